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
  /** How many processes share the limits, 1 by default: this one admits its share of each. */
  readonly replicas?: number;
  /** Milliseconds, never set back. `performance.now` by default. */
  readonly clock?: () => number;
}

/** Counts in this process alone. Decides within the call, so nothing comes between judging and taking. */
export function memoryLimiter(options: MemoryLimiterOptions = {}): Limiter {
  const { maxKeys = 20_000, replicas = 1, clock = () => performance.now() } = options;
  const states = new LRUCache<string, WindowState | number>({ max: maxKeys });

  return {
    async take(whole): Promise<Verdict> {
      const charges = whole.map((charge) => shareOf(charge, replicas));
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

/** The share keeps the window, and at least what this request costs: a limit that is divided too often must not refuse everybody. */
function shareOf({ key, quota, cost }: Charge, replicas: number): Charge {
  const limit =
    cost > quota.limit ? quota.limit : Math.max(cost, Math.floor(quota.limit / replicas));
  const shared: Quota = { ...quota, limit };
  return { key, quota: shared, cost };
}
