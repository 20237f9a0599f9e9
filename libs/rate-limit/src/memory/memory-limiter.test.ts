import { expect, test } from 'vitest';
import type { Quota } from '../quota.ts';
import { limiterConformance } from '../testing/index.ts';
import { memoryLimiter } from './memory-limiter.ts';

limiterConformance('memory', async () => {
  let now = 0;
  return {
    limiter: memoryLimiter({ clock: () => now }),
    setClock: (time) => {
      now = time;
    },
    async [Symbol.asyncDispose]() {},
  };
});

test('forgets the client that was quiet for longest when there are too many', async () => {
  const quota: Quota = { kind: 'token-bucket', limit: 1, windowMs: 60_000 };
  const limiter = memoryLimiter({ maxKeys: 2, clock: () => 0 });
  const take = async (key: string) => (await limiter.take([{ key, quota, cost: 1 }])).isAllowed;
  expect([await take('a'), await take('b'), await take('a')]).toEqual([true, true, false]);
  await take('c');
  expect([await take('a'), await take('b')]).toEqual([false, true]);
});
