import { logger } from '@ordermesh/telemetry';
import type { ChosenLimits } from './config.ts';
import { denyCache } from './deny-cache.ts';
import { insuredLimiter } from './insured-limiter.ts';
import { memoryLimiter } from './memory/memory-limiter.ts';
import { type RateLimits, rateLimits } from './rate-limits.ts';
import { limiterRedis } from './redis/limiter-redis.ts';
import { redisLimiter } from './redis/redis-limiter.ts';

/** Limits with the connection behind them. */
export type OpenRateLimits = RateLimits & AsyncDisposable;

/**
 * The limits of one process: counted in Redis where there is one, with the process's own counters as insurance, else in the process alone. Never
 * waits for a connection. Disposal closes it.
 * @param scope which clients are counted together, `gateway`
 * @param chosen undefined: nobody is limited
 */
export function openRateLimits(scope: string, chosen: ChosenLimits | undefined): OpenRateLimits {
  if (chosen === undefined) return unlimited;
  const { config, redisUrl } = chosen;
  if (redisUrl === undefined) {
    const limiter = memoryLimiter({ replicas: config.replicas });
    const limits = rateLimits(scope, config, { limiter, isShared: () => false });
    return { ...limits, async [Symbol.asyncDispose]() {} };
  }
  const log = logger('rate-limit');
  const redis = limiterRedis(redisUrl, (err) => log.debug({ err }, 'connection lost; healing'));
  const insured = insuredLimiter(redisLimiter({ redis }), { replicas: config.replicas });
  const limiter = denyCache(insured);
  return {
    ...rateLimits(scope, config, { limiter, isShared: insured.isShared }),
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}

const unlimited: OpenRateLimits = {
  admit: async () => ({ refusal: undefined, headers: {} }),
  report: () => ({ store: 'off', policies: [] }),
  async [Symbol.asyncDispose]() {},
};
