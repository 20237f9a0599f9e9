import { logger } from '@ordermesh/telemetry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { turns } from '../turns.ts';
import type { Feed } from './feed.ts';
import { ownPartition } from './owned-partition.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a renewal that was under way as the partition closed leaves no timer behind', async () => {
  const owned = ownPartition(
    { partition: 0, epoch: 1n, position: 0n, validUntil: performance.now() + 10_000 },
    {
      feed: { read: async () => [] } as unknown as Feed,
      handler: { assigned: async () => {}, batch: async () => {}, revoked: async () => {} },
      process: async () => {},
      turns: turns(1),
      maxBatch: 1,
      idleEveryMs: 1_000,
      onHandled: () => {},
      onExpired: () => {},
      log: logger('test'),
    },
  );
  await owned.close();
  owned.renewed(performance.now() + 20_000);
  expect(vi.getTimerCount()).toBe(0);
});
