import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Order, OrderStatus } from '@ordermesh/contract';
import type { ParkedOrder } from './order-view-writer.ts';
import type { Owner } from './owner.ts';
import type { StoredOrder } from './stored-order.ts';

/**
 * What queries need of a store of views. Every method rejects with the signal's reason as soon as it fires, else with the store's error when it
 * cannot answer; nothing here falls back or caches.
 *
 * Orders are asked for on behalf of an owner, and the store itself leaves out what is not theirs: to them another customer's order and one that does not
 * exist are the same, down to what the store has to do. An owner that is no customer id, such as a name, owns nothing.
 */
export interface OrderViewReader extends AsyncDisposable {
  /** One view, undefined if there is none. Contains everything up to the checkpoint that was read before the call. */
  get(orderId: string, owner: Owner, signal: AbortSignal): Promise<StoredOrder | undefined>;

  /** A customer's orders, newest first, ties by order id. */
  list(request: ListOrders, signal: AbortSignal): Promise<OrderPage>;

  /** Orders for which all given filters hold. */
  search(request: SearchOrders, signal: AbortSignal): Promise<OrderPage>;

  /** Position of the last event of a partition that the store contains, 0 if none. */
  checkpoint(partition: number, signal: AbortSignal): Promise<bigint>;

  /** The same for several partitions in one read; all of them are in the answer. */
  checkpoints(
    partitions: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, bigint>>;

  /**
   * First dead letter of an order, undefined if the order is not parked. A view never gets to that version until it is retried or discarded. An owner
   * hears of it only with a view of the order: whose it is without one, no store knows.
   */
  parkedOrder(
    partition: number,
    orderId: string,
    owner: Owner,
    signal: AbortSignal,
  ): Promise<ParkedOrder | undefined>;

  /**
   * Resolves when every list and search that starts then contains the events of a partition up to `position`; `get` needs no such wait. To be
   * called once the checkpoint was seen at that position or beyond. At once in a store whose searches see all that is written.
   */
  searchable(partition: number, position: bigint, signal: AbortSignal): Promise<void>;

  /** True if exactly this event is parked. */
  parkedEvent(partition: number, position: bigint, signal: AbortSignal): Promise<boolean>;
}

/**
 * Sort values of a page's last order, then its id. For time (microseconds since 1970) and total (minor units), decimal and the same in every
 * store; for relevance only the store that made it understands it.
 */
export type Keyset = readonly string[];

/** One page; following `next` gives every order once that existed and matched throughout. */
export interface OrderPage {
  readonly orders: readonly Order[];
  /** Undefined on the last page. */
  readonly next: Keyset | undefined;
}

/** What {@link OrderViewReader.list} takes. */
export interface ListOrders {
  readonly customerId: string;
  readonly owner: Owner;
  /** Orders per page, from 1. */
  readonly limit: number;
  /** `next` of the previous page. */
  readonly after?: Keyset | undefined;
}

/** Sort orders; ties by order id, ascending in all of them. `relevance` is best match first and needs a query. */
export const orderBys = [
  'createdAt desc',
  'createdAt',
  'total desc',
  'total',
  'relevance',
] as const;

/** One of {@link orderBys}. */
export type OrderBy = (typeof orderBys)[number];

/** What {@link OrderViewReader.search} takes. An absent filter holds for every order. */
export interface SearchOrders {
  readonly owner: Owner;
  /**
   * Words that must all occur ({@link searchWords}) in order id, customer name, e-mail and item names together. Absent or empty: no
   * filter. Without any word, such as `"-?"`: nothing matches.
   */
  readonly query?: string | undefined;
  /** Any of these; empty: all. */
  readonly status?: readonly OrderStatus[] | undefined;
  readonly customerId?: string | undefined;
  /** Placed at or after. */
  readonly createdAfter?: Timestamp | undefined;
  /** Placed before. */
  readonly createdBefore?: Timestamp | undefined;
  /** Minor units, inclusive; means little without `currencyCode`. */
  readonly minTotal?: bigint | undefined;
  /** Minor units, inclusive. */
  readonly maxTotal?: bigint | undefined;
  readonly currencyCode?: string | undefined;
  readonly orderBy: OrderBy;
  /** Orders per page, from 1. */
  readonly limit: number;
  /** `next` of the previous page with the same filters and order. */
  readonly after?: Keyset | undefined;
}
