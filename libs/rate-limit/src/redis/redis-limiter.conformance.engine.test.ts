import { isMissing, testRedis } from '@ordermesh/testing';
import { Redis } from 'ioredis';
import { describe } from 'vitest';
import { limiterConformance } from '../testing/index.ts';
import { redisLimiter } from './redis-limiter.ts';

describe.skipIf(isMissing('redis'))('Redis', () => {
  limiterConformance('Redis', async () => {
    const { url, keyPrefix } = await testRedis();
    const redis = new Redis(url); // 2,000 calls at once take longer than the limiter's own connection allows
    let now = 0;
    return {
      limiter: redisLimiter({ redis, keyPrefix, clock: () => now }),
      setClock: (time) => {
        now = time;
      },
      async [Symbol.asyncDispose]() {
        redis.disconnect();
      },
    };
  });
});
