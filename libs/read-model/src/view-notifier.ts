import type { Owner } from './owner.ts';
import type { StoredOrder } from './stored-order.ts';

/**
 * Wakes readers when the store has got far enough. What it knows of the store it has from the store itself (a notification or a read), never from
 * what somebody else asked for, and it forgets all of it when the connection that tells it breaks.
 */
export interface ViewNotifier extends AsyncDisposable {
  /**
   * Resolves when the store contains every event of a partition up to `position`; a read that starts then sees them. Waits for ever unless the signal
   * fires: then it rejects with the signal's reason.
   */
  reached(partition: number, position: bigint, signal: AbortSignal): Promise<void>;

  /**
   * The view of an order as soon as it has at least `minVersion`; of one that is not the owner's, as of one that does not exist, never. Reads the store at once, and again each time that the order's partition moved.
   * Rejects with the signal's reason, or with the store's error.
   */
  forOrder(request: AwaitedOrder, signal: AbortSignal): Promise<StoredOrder>;

  /** How many calls are waiting now. */
  readonly waiting: number;
}

/** What {@link ViewNotifier.forOrder} takes. */
export interface AwaitedOrder {
  readonly orderId: string;
  readonly owner: Owner;
  /** The order's partition (`partitionOf` of the contract). */
  readonly partition: number;
  /** From 1. */
  readonly minVersion: number;
}
