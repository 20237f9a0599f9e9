import { expect, it } from 'vitest';
import { waker } from './waker.ts';

const never = 600_000;
const calm = new AbortController().signal;

it('sleeps until it is woken', async () => {
  const awake = waker();
  awake.looking();
  const slept = awake.sleep(never, calm);
  awake.wake();
  await slept;
});

it('does not sleep when it was woken since the last look', async () => {
  const awake = waker();
  await awake.sleep(never, calm);
  awake.looking();
  awake.wake();
  await awake.sleep(never, calm);
});

it('wakes up by itself in time, and by the signal', async () => {
  const awake = waker();
  awake.looking();
  await awake.sleep(5, calm);
  const stop = new AbortController();
  const slept = awake.sleep(never, stop.signal);
  stop.abort();
  await slept;
  await awake.sleep(never, stop.signal);
  expect(stop.signal.aborted).toBe(true);
});
