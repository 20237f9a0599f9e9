import { trace } from '@opentelemetry/api';
import { ReasonError } from '@ordermesh/contract';
import type { StoredOrder } from '@ordermesh/read-model';
import type { CallContext } from '@ordermesh/rpc';
import { attribute, counter } from '@ordermesh/telemetry';
import { firstAnswer } from './first-answer.ts';
import type { CacheEntry, ReadCache } from './read-cache.ts';
import { singleFlight } from './single-flight.ts';
import { isEnough, storeLookup, type Wanted } from './store-lookup.ts';
import { lookupStores, type Views } from './views.ts';

const requests = counter('cache.requests', {
  description:
    'Lookups by what the cache had: hit, miss, expired, stale (expired, and answered because no store had what was asked for), behind (older than asked for), bypass (not available).',
  unit: '{lookup}',
});
const results = ['hit', 'miss', 'expired', 'stale', 'behind', 'bypass'] as const;
const count = (result: (typeof results)[number], lookups = 1) => requests.add(lookups, { result });

/** Refusals of the stores that an entry makes good: it is new enough for the caller. */
const madeGood = new Set([
  'DEPENDENCY_UNAVAILABLE',
  'EVENTUAL_CONSISTENCY_TIMEOUT',
  'ORDER_PARKED',
]);

/** Finds single orders, never older than wanted; undefined if there is none. Rejects with a ReasonError. */
export type OrderLookup = (wanted: Wanted, call: CallContext) => Promise<StoredOrder | undefined>;

/**
 * Cache, then PostgreSQL, then the other store (flagged `x-ordermesh-degraded`), then an expired entry of the cache (flagged `x-ordermesh-stale`, with its
 * age in milliseconds), also when a store answers but is behind what the caller asks for. Only what PostgreSQL answers fills the cache: a view of the store that stands in may be older, and would lose its flag.
 */
export function orderLookup(views: Views): OrderLookup {
  const flights = singleFlight<StoredOrder | undefined>();
  const { cache } = views;
  if (cache) for (const result of results) count(result, 0);

  async function fromStores(wanted: Wanted, call: CallContext) {
    return firstAnswer(lookupStores(views), call, (store) =>
      storeLookup(store, wanted, views.minVersionWaitMs, call, {
        join: (key, caller, work) =>
          flights.join(`${store.name} ${key}`, caller, async (signal) => {
            const stored = await work(signal);
            if (stored && store === views.postgresql) cache?.fill(stored);
            return stored;
          }),
      }),
    );
  }

  return async (wanted, call) => {
    const entry = cache && (await usable(cache, wanted, call.signal));
    if (entry?.isFresh) return entry.stored;
    const foundAt = performance.now();
    let result: 'expired' | 'stale' = 'expired';
    try {
      return await fromStores(wanted, call);
    } catch (error) {
      if (!entry || !(error instanceof ReasonError && madeGood.has(error.reason))) throw error;
      result = 'stale';
      const ageMs = entry.ageMs + Math.round(performance.now() - foundAt);
      call.setHeader('x-ordermesh-stale', String(ageMs));
      return entry.stored;
    } finally {
      if (entry) count(result);
    }
  };
}

const judged = (entry: CacheEntry, wanted: Wanted) =>
  isEnough(entry.stored, wanted) ? (entry.isFresh ? 'hit' : 'expired') : 'behind';

/** What the cache has, if that is new enough for the caller. */
async function usable(
  cache: ReadCache,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<CacheEntry | undefined> {
  const found = await cache.find(wanted.orderId, wanted.owner, signal);
  const had = found === 'absent' ? 'miss' : found === 'bypassed' ? 'bypass' : judged(found, wanted);
  trace.getActiveSpan()?.setAttribute(attribute.readCache, had);
  if (had !== 'expired') count(had); // an expired one is counted by what becomes of it
  return typeof found === 'object' && had !== 'behind' ? found : undefined;
}
