import { bucketsPerWindow, type Quota } from '../quota.ts';
import type { Plan } from './plan.ts';

/** Buckets that are kept: one more than a window has, because the oldest may have been filled at its end. */
const kept = bucketsPerWindow + 1;

/** What a sliding window remembers: the counts of its last 61 buckets, newest last. */
export interface WindowState {
  /** Number of the newest bucket since the clock's zero. */
  newest: number;
  counts: Float64Array;
}

/** Judges a charge against a sliding window, without taking it. The same arithmetic as `take-script.ts`. */
export function planWindow(
  { limit, windowMs }: Quota,
  state: WindowState | undefined,
  cost: number,
  nowMs: number,
): Plan<WindowState> {
  const bucketMs = windowMs / bucketsPerWindow;
  // A clock that was set back must not bring back what was used.
  const current = Math.max(Math.floor(nowMs / bucketMs), state?.newest ?? 0);
  const counts = shifted(state, current);
  const used = counts.reduce((sum, count) => sum + count, 0);
  if (used + cost > limit) {
    const waitMs = cost > limit ? Number.POSITIVE_INFINITY : waitFor(used + cost - limit);
    return { waitMs, remaining: Math.max(0, limit - used), resetMs: waitMs, take: undefined };
  }
  return {
    waitMs: 0,
    remaining: limit - used - cost,
    resetMs: Math.ceil((current + kept) * bucketMs - nowMs),
    take: () => {
      counts[kept - 1] = (counts[kept - 1] as number) + cost;
      return { newest: current, counts };
    },
  };

  /** Until the oldest buckets that hold `need` have left the window. */
  function waitFor(need: number): number {
    let freed = 0;
    const index = counts.findIndex((count) => {
      freed += count;
      return freed >= need;
    });
    return Math.ceil((current - kept + 1 + index + kept) * bucketMs - nowMs);
  }
}

function shifted(state: WindowState | undefined, current: number): Float64Array {
  const counts = new Float64Array(kept);
  const shift = state === undefined ? kept : current - state.newest;
  if (shift < kept && state) counts.set(state.counts.subarray(shift));
  return counts;
}
