export type { Attempt } from './attempt.ts';
export { breakerRoutes } from './breaker-routes.ts';
export { importanceOf, type LoadShedder, loadShedder } from './load-shedder.ts';
export { type ExecuteOptions, type Policy, type PolicyOptions, policy } from './policy.ts';
export type { RetryOptions } from './retrying.ts';
export type { CircuitState } from './three-valued-breaker.ts';
