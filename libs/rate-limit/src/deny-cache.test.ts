import { expect, test } from 'vitest';
import { denyCache } from './deny-cache.ts';
import { memoryLimiter } from './memory/memory-limiter.ts';
import type { Charge, Limiter, Quota } from './quota.ts';

const quota: Quota = { kind: 'sliding-window', limit: 2, windowMs: 60_000 };
const charge = (cost = 1, key = 'a'): Charge => ({ key, quota, cost });

function cached() {
  let now = 0;
  let asked = 0;
  const memory = memoryLimiter({ clock: () => now });
  const counting: Limiter = {
    take: (charges) => {
      asked++;
      return memory.take(charges);
    },
  };
  const limiter = denyCache(counting, () => now);
  return {
    take: (...charges: Charge[]) => limiter.take(charges),
    at: (time: number) => {
      now = time;
    },
    asked: () => asked,
  };
}

test('asks for every request that may pass', async () => {
  const { take, asked } = cached();
  await take(charge());
  await take(charge());
  expect(asked()).toBe(2);
});

test('answers a repeated refusal itself, with the time that is left, and asks again after a second', async () => {
  const { take, asked, at } = cached();
  await take(charge(2));
  const first = await take(charge());
  at(400);
  const second = await take(charge());
  expect(asked()).toBe(2);
  expect(second).toEqual({
    ...first,
    retryAfterMs: first.retryAfterMs - 400,
    standings: [{ ...first.standings[0], resetMs: first.retryAfterMs - 400 }],
  });
  at(1_000);
  await take(charge());
  expect(asked()).toBe(3);
});

test('asks for a cheaper request, which may pass where a dearer one did not', async () => {
  const { take } = cached();
  await take(charge(1));
  expect((await take(charge(2))).isAllowed).toBe(false);
  expect((await take(charge(1))).isAllowed).toBe(true);
});

test('remembers the charge that refused and not those that came with it', async () => {
  const { take, asked } = cached();
  await take(charge(2, 'a'));
  await take(charge(1, 'a'), charge(1, 'b'));
  expect((await take(charge(1, 'b'))).isAllowed).toBe(true);
  const { standings } = await take(charge(1, 'b'), charge(1, 'a'));
  expect([standings[0], standings[1]?.isViolated]).toEqual([undefined, true]);
  expect(asked()).toBe(3);
});

test('does not remember what a process decided alone: policies that fail closed must hear it each time', async () => {
  const memory = memoryLimiter();
  const limiter = denyCache({
    take: async (charges) => ({ ...(await memory.take(charges)), isLocal: true }),
  });
  await limiter.take([charge(2)]);
  for (let n = 0; n < 2; n++)
    expect(await limiter.take([charge()])).toMatchObject({ isAllowed: false, isLocal: true });
});

test('does not remember that a cost can never pass: it is no matter of time', async () => {
  const { take, asked } = cached();
  await take(charge(3));
  await take(charge(3));
  expect(asked()).toBe(2);
});
