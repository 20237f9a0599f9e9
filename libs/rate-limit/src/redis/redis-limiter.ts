import type { Redis } from 'ioredis';
import type { Charge, Limiter, Verdict } from '../quota.ts';
import { verdictOf } from '../verdict.ts';
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

type Take = (keys: number, ...args: (string | number)[]) => Promise<number[]>;

/**
 * Counts in Redis, for all processes together, by one script call per decision. The clock is the server's: of two processes with one clock 61 s
 * ahead, the reference design's limiter let the fast one evict everybody's counts. Counters expire when they are whole again. An eviction
 * policy other than `noeviction` may forget them early.
 */
export function redisLimiter(options: RedisLimiterOptions): Limiter {
  const { redis, keyPrefix = 'ordermesh:limit:', clock } = options;
  // Sends EVALSHA, and the script itself where the server does not know it (any more).
  redis.defineCommand('ordermeshTake', { lua: takeScript });
  const run = (redis as unknown as { ordermeshTake: Take }).ordermeshTake.bind(redis);

  return {
    async take(charges): Promise<Verdict> {
      const keys = charges.map(({ key }) => keyPrefix + key);
      const numbers = await run(keys.length, ...keys, clock?.() ?? '', ...charges.flatMap(args));
      return verdictOf(
        charges,
        charges.map((_, index) => judged(numbers, index * 3)),
      );
    },
  };
}

function args({ quota: { kind, limit, windowMs }, cost }: Charge): (string | number)[] {
  return [kind === 'sliding-window' ? 'w' : 'b', limit, windowMs, cost];
}

function judged(numbers: readonly number[], at: number) {
  const [wait = 0, remaining = 0, reset = 0] = numbers.slice(at, at + 3);
  const never = (ms: number) => (ms < 0 ? Number.POSITIVE_INFINITY : ms);
  return { waitMs: never(wait), remaining, resetMs: never(reset) };
}
