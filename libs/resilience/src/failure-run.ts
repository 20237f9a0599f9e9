import { CircuitState, type IBreaker } from 'cockatiel';

/**
 * Opens the circuit after `threshold` failures in a row within `windowMs`. cockatiel's ConsecutiveBreaker never forgets (a failure per hour opens it in
 * the end), and its SamplingBreaker drops one old bucket per call only, so that last hour's failures or successes decide today.
 * @param threshold failures in a row, from 1
 * @param windowMs a failure older than this no longer counts
 */
export function failureRun(threshold: number, windowMs: number): IBreaker {
  let failedAt: number[] = [];
  return {
    state: undefined, // circuits are not saved and restored
    success() {
      failedAt = [];
    },
    failure(state) {
      if (state !== CircuitState.Closed) return true;
      const now = performance.now();
      failedAt = [...failedAt.filter((at) => now - at < windowMs), now];
      return failedAt.length >= threshold;
    },
  };
}
