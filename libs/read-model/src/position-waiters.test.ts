import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { positionWaiters } from './position-waiters.ts';

const never = new AbortController().signal;

test('resolves those who wait for a position of the partition or an earlier one', async () => {
  const waiters = positionWaiters();
  const done = [waiters.wait(1, 5n, never), waiters.wait(1, 4n, never)];
  const left = [waiters.wait(1, 6n, never), waiters.wait(2, 1n, never)];
  expect(waiters.partitions()).toEqual([1, 2]);
  waiters.advance(1, 5n);
  await Promise.all(done);
  expect(waiters.size).toBe(2);
  const reason = new Error('closed');
  waiters.close(reason);
  for (const wait of left) await expect(wait).rejects.toBe(reason);
  expect(waiters.size).toBe(0);
});

test('leaves nothing on a signal, whichever way the wait ends', async () => {
  const waiters = positionWaiters();
  const abort = new AbortController();
  const [reached, aborted] = [waiters.wait(1, 1n, abort.signal), waiters.wait(1, 2n, abort.signal)];
  waiters.advance(1, 1n);
  await reached;
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
  abort.abort(new Error('deadline'));
  await expect(aborted).rejects.toThrow('deadline');
  expect([getEventListeners(abort.signal, 'abort').length, waiters.size]).toEqual([0, 0]);
  await expect(waiters.wait(1, 1n, abort.signal)).rejects.toThrow('deadline');
  expect(waiters.size).toBe(0);
});
