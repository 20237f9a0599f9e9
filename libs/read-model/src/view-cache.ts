import type { Owner } from './owner.ts';
import type { StoredOrder } from './stored-order.ts';

/**
 * A copy of views in front of their store, which may lose any of them at any time. What it holds was the store's once, so it never runs ahead of it, and
 * an entry says how old it is. Nothing here falls back or retries; every method rejects with the signal's reason as soon as it fires, else with the
 * cache's error.
 */
export interface ViewCache extends AsyncDisposable {
  /**
   * The entry of an order, undefined if there is none that is of these views and can be read, and for an order that is not the owner's. Entries are
   * kept by order id alone, so that a write replaces the one that all readers share.
   */
  get(orderId: string, owner: Owner, signal: AbortSignal): Promise<CachedView | undefined>;

  /**
   * Keeps views, each unless the cache has a greater revision of it ({@link viewRevision}); one of the same revision counts as written anew. To be
   * called with what the store has, after it has it. When it rejects, some may have been kept.
   * @returns how many were refused because the cache has something newer
   */
  put(orders: readonly StoredOrder[], signal: AbortSignal): Promise<number>;
}

/** An entry of a {@link ViewCache}. */
export interface CachedView {
  readonly stored: StoredOrder;
  /** Milliseconds since it was written, by the cache's own clock: the store may have moved on since then. */
  readonly ageMs: number;
}
