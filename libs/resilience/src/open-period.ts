import type { IBackoff } from 'cockatiel';

/** How long a circuit stays open, for cockatiel, and how much of that is left. */
export interface OpenPeriod {
  /** Starts a first period; cockatiel calls it whenever a closed circuit opens, and the result's own `next` when a probe failed. */
  next(): IBackoff<unknown>;
  /** Milliseconds until the next probe, at least 0. */
  remainingMs(): number;
}

/**
 * Periods of `firstMs` on the monotonic clock, doubled with each probe that fails up to `lastMs`. cockatiel itself compares `Date.now()` with
 * `duration`: a wall clock set back by an hour would keep the circuit open for that hour. So `duration` is "for ever" until the time is over and
 * "long ago" from then on.
 */
export function openPeriod(firstMs: number, lastMs: number): OpenPeriod {
  let endsAt = -Infinity;
  const remainingMs = () => Math.max(0, endsAt - performance.now());
  const begin = (openMs: number): IBackoff<unknown> => {
    endsAt = performance.now() + openMs;
    return {
      get duration() {
        return remainingMs() > 0 ? Infinity : -Infinity;
      },
      next: () => begin(Math.min(openMs * 2, lastMs)),
    };
  };
  return { next: () => begin(firstMs), remainingMs };
}
