import type { IBackoff } from 'cockatiel';

/** How long a circuit stays open, for cockatiel, and how much of that is left. */
export interface OpenPeriod {
  /** Starts a period; cockatiel calls it whenever the circuit opens. */
  next(): IBackoff<unknown>;
  /** Milliseconds until the next probe, at least 0. */
  remainingMs(): number;
}

/**
 * Periods of `openMs` on the monotonic clock. cockatiel itself compares `Date.now()` with `duration`: a wall clock set back by an hour would keep the
 * circuit open for that hour. So `duration` is "for ever" until the time is over and "long ago" from then on.
 */
export function openPeriod(openMs: number): OpenPeriod {
  let openedAt = -Infinity;
  const remainingMs = () => Math.max(0, openedAt + openMs - performance.now());
  const next = (): IBackoff<unknown> => {
    openedAt = performance.now();
    return {
      get duration() {
        return remainingMs() > 0 ? Infinity : -Infinity;
      },
      next,
    };
  };
  return { next, remainingMs };
}
