import { untilAborted } from '@ordermesh/service';

/** Makes searches see what was written. */
export interface Refresher extends Disposable {
  /**
   * Resolves when a refresh is over that started after this call; one under way is not enough, because it may have begun before the write that
   * the caller looks for. All callers of the meantime share the next one.
   * @throws the signal's reason, or the store's error
   */
  refreshed(signal?: AbortSignal): Promise<void>;
}

/**
 * Runs one refresh at a time.
 * @param everyMs least time between the starts of two refreshes: each one makes a segment, which costs every search and a merge later
 */
export function refresher(refresh: () => Promise<unknown>, everyMs: number): Refresher {
  let next: PromiseWithResolvers<void> | undefined;
  let running = false;
  let startedAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  function startWhenDue(): void {
    if (running || timer !== undefined || next === undefined) return;
    const waitMs = startedAt + everyMs - performance.now();
    if (waitMs <= 0) {
      start(next);
      return;
    }
    timer = setTimeout(() => {
      timer = undefined;
      startWhenDue();
    }, waitMs);
  }

  function start(mine: PromiseWithResolvers<void>): void {
    next = undefined;
    running = true;
    startedAt = performance.now();
    refresh()
      .then(() => mine.resolve(), mine.reject)
      .finally(() => {
        running = false;
        startWhenDue();
      });
  }

  return {
    async refreshed(signal) {
      signal?.throwIfAborted();
      next ??= Promise.withResolvers();
      const { promise } = next;
      startWhenDue();
      await untilAborted(promise, signal);
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      next?.reject(new Error('the store is closed'));
      next = undefined;
    },
  };
}
