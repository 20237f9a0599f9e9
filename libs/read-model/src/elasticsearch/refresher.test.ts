import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { refresher } from './refresher.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Refreshes that a test ends by hand. */
function scripted() {
  const started: PromiseWithResolvers<void>[] = [];
  const refresh = () => {
    const one = Promise.withResolvers<void>();
    started.push(one);
    return one.promise;
  };
  return { started, refresh };
}

test('joins no refresh that is under way, and shares the next one', async () => {
  const { started, refresh } = scripted();
  using refreshes = refresher(refresh, 100);
  const done: string[] = [];
  const wait = (name: string) => refreshes.refreshed().then(() => void done.push(name));
  const all = [wait('first')];
  await vi.advanceTimersByTimeAsync(500);
  all.push(wait('second'), wait('third'));
  expect(started).toHaveLength(1);
  started[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect([done, started.length]).toEqual([['first'], 2]);
  started[1]?.resolve();
  await Promise.all(all);
  expect(started).toHaveLength(2);
});

test('starts at most one in its time, and none that nobody asked for', async () => {
  let refreshed = 0;
  using refreshes = refresher(async () => void refreshed++, 100);
  await refreshes.refreshed();
  const second = refreshes.refreshed();
  await vi.advanceTimersByTimeAsync(99);
  expect(refreshed).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  await second;
  await vi.advanceTimersByTimeAsync(1_000);
  expect([refreshed, vi.getTimerCount()]).toEqual([2, 0]);
});

test('passes a failure on to those who waited for it, and goes on', async () => {
  const { started, refresh } = scripted();
  using refreshes = refresher(refresh, 0);
  const failing = expect(refreshes.refreshed()).rejects.toThrow('down');
  started[0]?.reject(new Error('down'));
  await failing;
  const next = refreshes.refreshed();
  started[1]?.resolve();
  await next;
});

test('lets a caller go with its signal, and all when it is closed', async () => {
  const { started, refresh } = scripted();
  const refreshes = refresher(refresh, 100);
  const abort = new AbortController();
  const gone = expect(refreshes.refreshed(abort.signal)).rejects.toThrow('deadline');
  abort.abort(new Error('deadline'));
  await gone;
  const queued = expect(refreshes.refreshed()).rejects.toThrow('closed');
  started[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  refreshes[Symbol.dispose]();
  await queued;
  expect(vi.getTimerCount()).toBe(0);
});
