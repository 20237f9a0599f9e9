import { randomUUID } from 'node:crypto';
import { denyCache, type Limiter, type Quota, redisLimiter } from '@ordermesh/rate-limit';
import { Ratelimit } from '@upstash/ratelimit';
import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** What every client is held to: nothing of it comes back while a round runs. */
export const limit = 100;
const windowMs = 86_400_000;

/** A limiter on a Redis of its own. */
export interface Contestant {
  readonly name: string;
  /** What it was told, to be printed. */
  readonly settings: string;
  /** @returns a decision on one request of a client: whether it may pass */
  open(redis: Redis): (client: string) => Promise<boolean>;
}

const ours = (kind: Quota['kind'], cached: boolean): Contestant => ({
  name: `ordermesh, ${kind.replace('-', ' ')}${cached ? '' : ', no deny cache'}`,
  settings: cached ? 'as in the processes: with its deny cache' : 'asks Redis each time',
  open(redis) {
    const inRedis = redisLimiter({ redis });
    const limiter: Limiter = cached ? denyCache(inRedis) : inRedis;
    const quota: Quota = { kind, limit, windowMs };
    return async (key) => (await limiter.take([{ key, quota, cost: 1 }])).isAllowed;
  },
});

const flexible = (inMemory: boolean): Contestant => ({
  name: `rate-limiter-flexible${inMemory ? ', blocks in memory' : ''}`,
  settings: `11.4.0, fixed window; ${inMemory ? `inMemoryBlockOnConsumed: ${limit}` : 'defaults'}`,
  open(redis) {
    const limiter = new RateLimiterRedis({
      storeClient: redis,
      points: limit,
      duration: windowMs / 1000,
      ...(inMemory ? { inMemoryBlockOnConsumed: limit } : {}),
    });
    return (key) =>
      limiter.consume(key).then(
        () => true,
        (refused: unknown) => {
          if (refused instanceof RateLimiterRes) return false;
          throw refused;
        },
      );
  },
});

const upstash: Contestant = {
  name: '@upstash/ratelimit',
  settings:
    '2.2.0, two-counter sliding window and its block cache; its script through ioredis, since its own client speaks HTTP',
  open(redis) {
    let sha: string | undefined; // a sliding window has one script
    const run = (keys: string[], args: unknown[]) => {
      if (sha === undefined) throw new Error('NOSCRIPT');
      return redis.evalsha(sha, keys.length, ...keys, ...args.map(String));
    };
    const scripts = {
      evalsha: async (_: string, keys: string[], args: unknown[]) => run(keys, args),
      async eval(script: string, keys: string[], args: unknown[]) {
        // Its first line is a flag that Upstash's own server alone knows.
        sha = String(await redis.script('LOAD', script.replace(/^#!.*/, '')));
        return run(keys, args);
      },
    };
    const limiter = new Ratelimit({
      redis: scripts as never, // all that a sliding window calls
      limiter: Ratelimit.slidingWindow(limit, `${windowMs} ms`),
    });
    return async (client) => (await limiter.limit(client)).success;
  },
};

/** What one writes first, without its usual faults: members of their own, the server's clock, refusals cost nothing. */
const log: Contestant = {
  name: 'sorted set as a log',
  settings: 'ZREMRANGEBYSCORE, ZCARD, ZADD, PEXPIRE in one script, a UUID per request',
  open(redis) {
    redis.defineCommand('logTake', {
      numberOfKeys: 1,
      lua: `local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ${windowMs})
        if redis.call('ZCARD', KEYS[1]) >= ${limit} then return 0 end
        redis.call('ZADD', KEYS[1], now, ARGV[1])
        redis.call('PEXPIRE', KEYS[1], ${windowMs})
        return 1`,
    });
    const { logTake } = redis as unknown as { logTake(key: string, id: string): Promise<number> };
    return async (client) => (await logTake.call(redis, client, randomUUID())) === 1;
  },
};

/** All, ours first. */
export const contestants: readonly Contestant[] = [
  ours('token-bucket', true),
  ours('sliding-window', true),
  ours('sliding-window', false),
  flexible(false),
  flexible(true),
  upstash,
  log,
];
