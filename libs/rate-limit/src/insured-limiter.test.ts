import { metricsText } from '@ordermesh/telemetry';
import { expect, test } from 'vitest';
import { insuredLimiter } from './insured-limiter.ts';
import { memoryLimiter } from './memory/memory-limiter.ts';
import type { Charge, Limiter, Quota } from './quota.ts';

const quota: Quota = { kind: 'sliding-window', limit: 10, windowMs: 60_000 };
const charge = (cost = 1): Charge => ({ key: 'a', quota, cost });

/** Shared counters that can be lost. */
function losable() {
  const memory = memoryLimiter();
  const state = { isLost: false, asked: 0 };
  const limiter: Limiter = {
    async take(charges) {
      state.asked++;
      if (state.isLost) throw new Error('lost');
      return memory.take(charges);
    },
  };
  return { limiter, state };
}

test('while the shared counters are lost, this process admits its share and no more', async () => {
  const { limiter, state } = losable();
  const insured = insuredLimiter(limiter, { replicas: 3 });
  state.isLost = true;
  const verdicts = [];
  for (let i = 0; i < 20; i++) verdicts.push(await insured.take([charge()]));
  expect(verdicts.filter(({ isAllowed }) => isAllowed)).toHaveLength(3);
  expect(verdicts.every(({ isLocal }) => isLocal)).toBe(true);
  expect([state.asked, insured.isShared()]).toEqual([3, false]);
});

test('a share is never less than one request costs, and what exceeds the whole limit exceeds it still', async () => {
  const { limiter, state } = losable();
  const insured = insuredLimiter(limiter, { replicas: 100 });
  state.isLost = true;
  expect((await insured.take([charge(7)])).isAllowed).toBe(true);
  expect((await insured.take([charge(11)])).retryAfterMs).toBe(Number.POSITIVE_INFINITY);
});

test('asks the shared counters again, and goes back to them when they answer', async () => {
  const { limiter, state } = losable();
  const insured = insuredLimiter(limiter, { replicas: 1, openMs: 1 });
  state.isLost = true;
  const localMode = async () => /^ratelimit_local_mode (\d)$/m.exec(await metricsText())?.[1];
  expect(await localMode()).toBe('0');
  for (let i = 0; i < 3; i++) await insured.take([charge()]);
  expect([insured.isShared(), await localMode()]).toEqual([false, '1']);
  state.isLost = false;
  await expect
    .poll(async () => (await insured.take([charge()])).isLocal ?? false, { timeout: 10_000 })
    .toBe(false);
  expect([insured.isShared(), await localMode()]).toEqual([true, '0']);
});
