import { type Quota, tokenMicros } from '../quota.ts';
import type { Plan } from './plan.ts';

/** What a token bucket remembers: when it will be full again, in whole microseconds of the clock. */
export type BucketState = number;

/**
 * Judges a charge against a token bucket, without taking it. The same arithmetic as `take-script.ts`. Technique: the generic cell rate algorithm (ITU-T
 * I.371), a leaky bucket kept as one time.
 */
export function planBucket(
  quota: Quota,
  state: BucketState | undefined,
  cost: number,
  nowMs: number,
): Plan<BucketState> {
  const token = tokenMicros(quota);
  const size = token * quota.limit;
  const now = Math.floor(nowMs * 1000);
  const full = Math.max(state ?? now, now);
  const after = full + cost * token;
  const reset = after - now;
  if (reset > size) {
    const waitMs = cost > quota.limit ? Number.POSITIVE_INFINITY : Math.ceil((reset - size) / 1000);
    const remaining = Math.max(0, Math.floor((size - (full - now)) / token));
    return { waitMs, remaining, resetMs: waitMs, take: undefined };
  }
  return {
    waitMs: 0,
    remaining: Math.floor((size - reset) / token),
    resetMs: Math.ceil(reset / 1000),
    take: () => after,
  };
}
