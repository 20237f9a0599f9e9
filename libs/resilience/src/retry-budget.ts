/**
 * What keeps retries from becoming the outage: each first attempt earns a tenth of a retry, and at most ten are saved up, so that a dependency that
 * fails for good gets a tenth more load than without retries. Technique: Envoy's and Finagle's retry budgets; gRPC A6 `retryThrottling`.
 */
export interface RetryBudget {
  /** Called with each first attempt. */
  earn(): void;
  /** Takes one retry, if there is one. */
  spend(): boolean;
}

const earnedPerCall = 0.1;
const most = 10;

/** A full budget. */
export function retryBudget(): RetryBudget {
  let saved = most;
  return {
    earn() {
      saved = Math.min(most, saved + earnedPerCall);
    },
    spend() {
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
  };
}
