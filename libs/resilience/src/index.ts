export { type Policy, type PolicyOptions, policy } from './policy.ts';
export type { CircuitState } from './three-valued-breaker.ts';
