import type { Redis } from 'ioredis';
import { type Charge, type Limiter, type Quota, tokenMicros, type Verdict } from '../quota.ts';
import { type Judged, verdictOf } from '../verdict.ts';
import { takeScript } from './take-script.ts';

/** Options of {@link redisLimiter}. */
export interface RedisLimiterOptions {
  /** See `limiterRedis`: how it fails decides how long callers wait. Stays the caller's to close. */
  readonly redis: Redis;
  /** Begin of all keys. `ordermesh:limit:` by default. */
  readonly keyPrefix?: string;
  /** For tests: milliseconds, instead of the server's clock. */
  readonly clock?: () => number;
}

type Take = (keys: number, ...args: (string | number)[]) => Promise<number | number[]>;

/**
 * Counts in Redis, for all processes together, by one script call per decision. The clock is the server's: of two processes with one clock 61 s
 * ahead, the reference design's limiter let the fast one evict everybody's counts. Counters expire within two windows. An eviction
 * policy other than `noeviction` may forget them early.
 */
export function redisLimiter(options: RedisLimiterOptions): Limiter {
  const { redis, keyPrefix = 'ordermesh:limit:', clock } = options;
  // Sends EVALSHA, and the script itself where the server does not know it (any more).
  redis.defineCommand('ordermeshTake', { lua: takeScript });
  const run = (redis as unknown as { ordermeshTake: Take }).ordermeshTake.bind(redis);

  return {
    async take(charges): Promise<Verdict> {
      const args: (string | number)[] = charges.map(({ key }) => keyPrefix + key);
      for (const { quota, cost } of charges)
        if (quota.kind === 'sliding-window') args.push(quota.windowMs * 1000, cost, quota.limit);
        else args.push(tokenMicros(quota) * quota.limit, tokenMicros(quota) * cost, '');
      if (clock) args.push(clock());
      const answer = await run(charges.length, ...args);
      return verdictOf(charges, judged(charges, typeof answer === 'number' ? [answer] : answer));
    },
  };
}

/** Reads the script's answer. */
function judged(charges: readonly Charge[], answer: readonly number[]): Judged[] {
  let at = 0;
  return charges.map(({ quota, cost }) => {
    const micros = answer[at++] as number;
    const ms = cost > quota.limit ? Number.POSITIVE_INFINITY : Math.ceil(Math.abs(micros) / 1000);
    return {
      waitMs: micros < 0 ? ms : 0,
      remaining:
        quota.kind === 'sliding-window' ? (answer[at++] as number) : left(quota, cost, micros),
      resetMs: ms,
    };
  });
}

/** Tokens that a bucket has left, when it takes `micros` to fill it or, negative, to have enough. */
function left(quota: Quota, cost: number, micros: number): number {
  const token = tokenMicros(quota);
  const tokens = micros < 0 ? cost + micros / token : quota.limit - micros / token;
  return Math.max(0, Math.floor(tokens));
}
