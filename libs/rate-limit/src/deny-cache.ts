import { LRUCache } from 'lru-cache';
import type { Charge, Limiter, Standing, Verdict } from './quota.ts';

/** Longest time that a refusal is given again without asking, in milliseconds: what a raised limit takes to be felt. */
const longestMs = 1000;
const maxKeys = 10_000;

interface Denied {
  readonly cost: number;
  readonly remaining: number;
  /** When a charge like it would pass. */
  readonly passesAt: number;
  /** When the counters are asked again. */
  readonly until: number;
}

/**
 * Remembers refusals for as long as they hold, at most a second, so that a client who hammers costs a look into memory. What was allowed is never
 * remembered, nor what this process decided alone.
 */
export function denyCache(
  limiter: Limiter,
  clock: () => number = () => performance.now(),
): Limiter {
  const denials = new LRUCache<string, Denied>({ max: maxKeys });

  /** What is known against a charge: it costs as much as a refused one, and it is too early. */
  const known = ({ key, cost }: Charge, now: number): Standing | undefined => {
    const denied = denials.get(key);
    if (denied === undefined || now >= denied.until || cost < denied.cost) return undefined;
    const { remaining, passesAt } = denied;
    return { remaining, resetMs: Math.ceil(passesAt - now), isViolated: true };
  };

  return {
    async take(charges): Promise<Verdict> {
      const now = clock();
      if (charges.some(({ key }) => denials.has(key))) {
        const standings = charges.map((charge) => known(charge, now));
        const waits = standings.flatMap((standing) => standing?.resetMs ?? []);
        if (waits.length > 0)
          return { isAllowed: false, retryAfterMs: Math.max(...waits), standings };
      }
      const verdict = await limiter.take(charges);
      // Of what was decided alone, whoever fails closed must hear each time.
      if (verdict.isAllowed || verdict.isLocal) return verdict;
      for (const [index, standing] of verdict.standings.entries()) {
        if (!standing?.isViolated || !Number.isFinite(standing.resetMs)) continue;
        const { key, cost } = charges[index] as Charge;
        const passesAt = now + standing.resetMs;
        const until = Math.min(passesAt, now + longestMs);
        denials.set(key, { cost, remaining: standing.remaining, passesAt, until });
      }
      return verdict;
    },
  };
}
