import type { BusMessage, LastEvent } from '@ordermesh/contract';
import type { DeadLetter } from './dead-letter.ts';
import type { StoredOrder } from './stored-order.ts';

/** What a projector needs of a store of views. Calls may overlap; they are safe to repeat after any failure, also one of unknown outcome. */
export interface OrderViewWriter extends AsyncDisposable {
  /**
   * The current views of some orders, those that exist, by order id. Sees every write that was resolved before.
   * @param orderIds lower case, in any order, repetitions allowed
   */
  load(orderIds: readonly string[]): Promise<ReadonlyMap<string, StoredOrder>>;

  /**
   * The last event of a partition that the store contains. To be asked before the partition's first batch, and again
   * after a ViewsLostError: it makes a store whole, and empty, that lost what it held.
   */
  checkpoint(partition: number): Promise<LastEvent>;

  /**
   * Parked orders of a partition by order id, each with its first dead letter: the one that all later ones of the order wait for. Letters of messages without
   * a position hold up nobody: the log has what they may have been.
   */
  parked(partition: number): Promise<ReadonlyMap<string, ParkedOrder>>;

  /** What was put aside of a parked order, oldest first: the event it is parked for and those that followed. */
  deadLetters(partition: number, orderId: string): Promise<readonly LetterMessage[]>;

  /**
   * Writes a batch of one partition: views, dead letters and checkpoint, so that nobody sees a checkpoint without its views and dead letters. A
   * view is only ever replaced by one with a greater revision ({@link viewRevision}), a checkpoint
   * only by a greater position; what is older counts as written already. Readers that wait are woken afterwards; that never delays or fails a write.
   * @throws RefusedViewsError when the store can never hold some of the views; ViewsLostError when it no longer holds what `checkpoint` told of; the store's error when it could not write. A store
   * with transactions has written nothing then, or all of it; one without may have written a part, which repeating the batch completes,
   * and of which only views show before that: never the checkpoint without the rest, nor a dead letter without the checkpoint.
   */
  write(batch: ViewBatch): Promise<void>;

  /** Writes views whose customer fields changed, by the same rule; no checkpoint moves. @throws as {@link write} */
  writeEnrichment(orders: readonly StoredOrder[]): Promise<void>;

  /** Views without customer fields: the queue of what is to be looked up (again). Ordered by order id. */
  incomplete(request: IncompleteRequest): Promise<readonly StoredOrder[]>;
}

/** What {@link OrderViewWriter.write} takes: the batch's last event, whatever became of it, which becomes the checkpoint, and the rest. */
export interface ViewBatch extends LastEvent {
  readonly partition: number;
  /** The views after the batch; of several of one order the one with the greatest revision counts. */
  readonly orders: readonly StoredOrder[];
  /** Events that were parked, each with its own position. */
  readonly dead: readonly DeadLetter[];
  /** Positions of dead letters that `orders` contains after all: they are deleted. None by default. */
  readonly revived?: readonly bigint[];
}

/** A dead letter as the message that it was. */
export type LetterMessage = Pick<BusMessage, 'position' | 'value' | 'headers'>;

/** What {@link OrderViewWriter.incomplete} takes. */
export interface IncompleteRequest {
  readonly partitions: readonly number[];
  /** `pending`: never answered by the customer service; `unknown`: it did not know the customer. */
  readonly kind: 'pending' | 'unknown';
  /**
   * Only orders with a greater id. A sweep passes the last id it got, so that customers who stay unknown do not keep those behind them from
   * their turn; a page shorter than `limit` ends it.
   */
  readonly after?: string | undefined;
  /** At most so many. */
  readonly limit: number;
}

/** The first dead letter of an order. */
export interface ParkedOrder {
  readonly position: bigint;
  /** Version of the event; 0 if it could not be read. */
  readonly version: number;
}
