export { admitCalls } from './admit-calls.ts';
export { clientAddress } from './client-address.ts';
export { chosenLimits, rateLimitSettings } from './config.ts';
// For benchmarks: counters without policies.
export { denyCache } from './deny-cache.ts';
export { limitsRoute } from './limits-route.ts';
export { openRateLimits } from './open-rate-limits.ts';
export { type RouteClass, routeClass } from './policy.ts';
export type { Limiter, Quota } from './quota.ts';
export type { Admission, RateLimitedRequest, RateLimits } from './rate-limits.ts';
export { redisLimiter } from './redis/redis-limiter.ts';
