import type { Charge, Verdict } from './quota.ts';

/** One charge as a limiter judged it. */
export interface Judged {
  /** Milliseconds until it would pass: 0 when it does, Infinity when it never will. */
  readonly waitMs: number;
  /** After it was taken, if it passes. */
  readonly remaining: number;
  readonly resetMs: number;
}

/** The verdict on charges that were each judged: one that would pass is not taken when another does not. */
export function verdictOf(charges: readonly Charge[], judged: readonly Judged[]): Verdict {
  let retryAfterMs = 0;
  for (const { waitMs } of judged) retryAfterMs = Math.max(retryAfterMs, waitMs);
  const isAllowed = retryAfterMs === 0;
  return {
    isAllowed,
    retryAfterMs,
    standings: judged.map(({ waitMs, remaining, resetMs }, index) => ({
      remaining:
        waitMs === 0 && !isAllowed ? remaining + (charges[index] as Charge).cost : remaining,
      resetMs,
      isViolated: waitMs > 0,
    })),
  };
}
