// For apps.
export { admitCalls } from './admit-calls.ts';
export { clientAddress } from './client-address.ts';
export { chosenLimits, rateLimitSettings } from './config.ts';
// For benchmarks, and whoever needs counters without policies.
export { denyCache } from './deny-cache.ts';
export { limitsRoute } from './limits-route.ts';
export { memoryLimiter } from './memory/memory-limiter.ts';
export { openRateLimits } from './open-rate-limits.ts';
export { type RouteClass, routeClass } from './policy.ts';
export type { Charge, Limiter, Quota, Standing, Verdict } from './quota.ts';
export type { Admission, RateLimitedRequest, RateLimits } from './rate-limits.ts';
export { limiterRedis } from './redis/limiter-redis.ts';
export { redisLimiter } from './redis/redis-limiter.ts';
