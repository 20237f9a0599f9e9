import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when `work` has settled, or `ms` are over; never rejects. */
export async function settledWithin(work: Promise<unknown>, ms: number): Promise<void> {
  const over = new AbortController();
  const timer = sleep(ms, undefined, { signal: over.signal });
  await Promise.race([work, timer]).catch(() => undefined);
  over.abort();
  await timer.catch(() => undefined);
}
