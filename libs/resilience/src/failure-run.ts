/** Counts the failures of a closed circuit. */
export interface FailureRun {
  /** Forgets them. */
  reset(): void;
  /** @returns whether this was one too many */
  failed(): boolean;
}

/**
 * `threshold` failures in a row within `windowMs` are too many. cockatiel's ConsecutiveBreaker never forgets (a failure per hour opens it in the end),
 * and its SamplingBreaker drops one old bucket per call only, so that last hour's failures or successes decide today.
 * @param threshold failures in a row, from 1
 * @param windowMs a failure older than this no longer counts
 */
export function failureRun(threshold: number, windowMs: number): FailureRun {
  let failedAt: number[] = [];
  return {
    reset() {
      if (failedAt.length > 0) failedAt = [];
    },
    failed() {
      const now = performance.now();
      failedAt = [...failedAt.filter((at) => now - at < windowMs), now];
      return failedAt.length >= threshold;
    },
  };
}
