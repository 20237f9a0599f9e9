import { LRUCache } from 'lru-cache';
import type { Charge, Limiter, Quota, Verdict } from '../quota.ts';
import { verdictOf } from '../verdict.ts';
import type { Plan } from './plan.ts';
import { planWindow, type WindowState } from './sliding-window.ts';
import { planBucket } from './token-bucket.ts';

/** Options of {@link memoryLimiter}. */
export interface MemoryLimiterOptions {
  /**
   * Clients remembered, 20,000 by default (at most some 13 MB of sliding windows). The one that was quiet for longest is forgotten first, and
   * has its whole quota again.
   */
  readonly maxKeys?: number;
  /** Milliseconds, never set back. `performance.now` by default. */
  readonly clock?: () => number;
}

/** Counts in this process alone. Decides within the call, so nothing comes between judging and taking. */
export function memoryLimiter(options: MemoryLimiterOptions = {}): Limiter {
  const { maxKeys = 20_000, clock = () => performance.now() } = options;
  const states = new LRUCache<string, WindowState | number>({ max: maxKeys });

  return {
    async take(charges): Promise<Verdict> {
      const now = clock();
      const plans = charges.map((charge) => judge(charge, states.get(charge.key), now));
      const passes = plans.every(({ waitMs }) => waitMs === 0);
      if (passes)
        for (const [index, { take }] of plans.entries()) {
          const { key } = charges[index] as Charge;
          if (take) states.set(key, take());
        }
      return verdictOf(charges, plans);
    },
  };
}

function judge(
  { quota, cost }: Charge,
  state: WindowState | number | undefined,
  now: number,
): Plan<WindowState | number> {
  return isWindow(quota)
    ? planWindow(quota, state as WindowState | undefined, cost, now)
    : planBucket(quota, state as number | undefined, cost, now);
}

const isWindow = ({ kind }: Quota) => kind === 'sliding-window';
