import type { Quota } from '../quota.ts';
import type { Plan } from './plan.ts';

/** What a token bucket remembers: when it will be full again, in milliseconds of the clock. */
export type BucketState = number;

/**
 * Judges a charge against a token bucket, without taking it. The same arithmetic as `take-script.ts`. Technique: the generic cell rate algorithm (ITU-T
 * I.371), a leaky bucket kept as one time.
 */
export function planBucket(
  { limit, windowMs }: Quota,
  state: BucketState | undefined,
  cost: number,
  nowMs: number,
): Plan<BucketState> {
  const tokenMs = windowMs / limit;
  const full = Math.max(state ?? nowMs, nowMs);
  const after = full + cost * tokenMs;
  const waitMs =
    cost > limit ? Number.POSITIVE_INFINITY : Math.max(0, Math.ceil(after - windowMs - nowMs));
  if (waitMs > 0) {
    const remaining = Math.max(0, Math.floor((windowMs - (full - nowMs)) / tokenMs));
    return { waitMs, remaining, resetMs: waitMs, take: undefined };
  }
  return {
    waitMs: 0,
    remaining: Math.floor((windowMs - (after - nowMs)) / tokenMs + 1e-9),
    resetMs: Math.ceil(after - nowMs),
    take: () => after,
  };
}
