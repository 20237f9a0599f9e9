import { attribute, counter } from '@ordermesh/telemetry';
import type { StoredOrder } from './stored-order.ts';
import type { ViewCache } from './view-cache.ts';

const writes = counter('ordermesh.read_cache.writes', {
  description: 'Views offered to the cache: written, refused (it had a newer one) or failed.',
  unit: '{view}',
});

/** Writes to a cache that nobody waits for. */
export interface CacheWrites extends AsyncDisposable {
  /** Offers views that the store has. Returns at once and never fails: what goes wrong is counted, and the age of entries bounds what it does. */
  put(orders: readonly StoredOrder[]): void;
}

/**
 * @param guard runs one write: bounds its time and number, and refuses it while the cache is known to be down. Disposing waits for the writes in
 * flight; the cache stays the caller's.
 */
export function cacheWrites(
  cache: ViewCache,
  guard: <T>(write: (signal: AbortSignal) => Promise<T>) => Promise<T>,
): CacheWrites {
  const inFlight = new Set<Promise<void>>();
  for (const outcome of ['written', 'refused', 'failed'])
    writes.add(0, { [attribute.outcome]: outcome });
  const report = (outcome: 'written' | 'refused' | 'failed', views: number) => {
    if (views > 0) writes.add(views, { [attribute.outcome]: outcome });
  };

  async function write(orders: readonly StoredOrder[]): Promise<void> {
    try {
      const refused = await guard((signal) => cache.put(orders, signal));
      report('refused', refused);
      report('written', orders.length - refused);
    } catch {
      report('failed', orders.length);
    }
  }

  return {
    put(orders) {
      if (orders.length === 0) return;
      const written = write(orders).finally(() => inFlight.delete(written));
      inFlight.add(written);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(inFlight);
    },
  };
}
