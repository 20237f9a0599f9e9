import {
  type CachedView,
  cacheWrites,
  type Owner,
  redisViewCache,
  type StoredOrder,
  type ViewCache,
  viewOrigin,
} from '@ordermesh/read-model';
import type { Policy } from '@ordermesh/resilience';
import { flightKey, singleFlight } from './single-flight.ts';
import type { Guarded } from './store-policies.ts';

/** The cache in front of the lookups. Nothing that is wrong with it fails a lookup, nor holds one up for longer than it waits for the cache, 50 ms by default. */
export interface ReadCache extends AsyncDisposable {
  /** What the cache has of an owner's order; `bypassed` when it cannot be asked. Rejects with the signal's reason only. */
  find(
    orderId: string,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<CacheEntry | 'absent' | 'bypassed'>;
  /** Keeps a view that the lookups' own store has just answered; off the answer's path. */
  fill(stored: StoredOrder): void;
}

/** A view that the cache had. */
export interface CacheEntry extends CachedView {
  /** Whether it may be answered without a look at the store; else only when no store answers. */
  readonly isFresh: boolean;
}

/**
 * The cache in Redis; undefined without a server. A query service starts without that Redis, but not without the database, which knows whose views these are.
 * @param viewUrl database of the views
 * @param freshMs as for {@link readCache}
 * @param onError told about what heals by itself
 */
export async function redisReadCache(
  server: Guarded | undefined,
  viewUrl: string,
  freshMs: number,
  onError: (error: unknown) => void,
): Promise<ReadCache | undefined> {
  if (server === undefined) return undefined;
  const { url, guard } = server;
  const name = 'ordermesh-query';
  const origin = await viewOrigin(viewUrl, name);
  return readCache(redisViewCache({ url, origin, name, onError }), freshMs, guard);
}

/**
 * @param freshMs longest time that an entry is fresh, which bounds how long a lost write of the projector shows
 * @param guard in front of every read and write of the cache
 */
export function readCache(cache: ViewCache, freshMs: number, guard: Policy): ReadCache {
  const lookups = singleFlight<CachedView | undefined>();
  const writes = cacheWrites(cache, (write) => guard.execute(({ signal }) => write(signal)));

  return {
    async find(orderId, owner, caller) {
      try {
        const found = await lookups.join(flightKey([orderId], owner), caller, (signal) =>
          guard.execute((attempt) => cache.get(orderId, owner, attempt.signal), { signal }),
        );
        if (found === undefined) return 'absent';
        return { ...found, isFresh: found.ageMs < freshForMs(orderId, freshMs) };
      } catch {
        caller.throwIfAborted();
        return 'bypassed';
      }
    },
    fill: (stored) => writes.put([stored]),
    async [Symbol.asyncDispose]() {
      await writes[Symbol.asyncDispose]();
      await cache[Symbol.asyncDispose]();
    },
  };
}

/**
 * How long an entry of an order is fresh: 80 to 100 % of `freshMs`, by the order's id, so that what was written together (a batch, or all after a
 * flush) is not read again together, and all processes agree.
 */
export function freshForMs(orderId: string, freshMs: number): number {
  // The last digits are random in every kind of UUID that is.
  const share = Number.parseInt(orderId.slice(-6), 16) / 0xff_ff_ff;
  return freshMs * (1 - 0.2 * share);
}
