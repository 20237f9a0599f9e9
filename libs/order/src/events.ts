import type { Money } from './money.ts';
import type { Address, EpochMs, OrderItem } from './state.ts';

/** A customer placed an order. The first event of every stream, and only the first. */
export interface OrderCreated {
  readonly type: 'OrderCreated';
  readonly customerId: string;
  /** At least one, all priced in the total's currency. */
  readonly items: readonly OrderItem[];
  readonly shippingAddress: Address;
  /** Sum over quantity times unit price, 1 to 2^63 - 1 minor units. */
  readonly total: Money;
  readonly createdAt: EpochMs;
  readonly estimatedDeliveryAt: EpochMs;
}

/** The order was accepted for payment. */
export interface OrderConfirmed {
  readonly type: 'OrderConfirmed';
}

/** The whole total was paid. */
export interface OrderPaid {
  readonly type: 'OrderPaid';
  /** The payment provider's reference. */
  readonly paymentId: string;
  /** Equal to the total. */
  readonly amount: Money;
}

/** The parcel left. */
export interface OrderShipped {
  readonly type: 'OrderShipped';
  /** The carrier's number. */
  readonly trackingNumber: string;
}

/** The parcel arrived. */
export interface OrderDelivered {
  readonly type: 'OrderDelivered';
}

/** The order was given up before delivery. */
export interface OrderCancelled {
  readonly type: 'OrderCancelled';
  /** Why, in the caller's words; may be empty. */
  readonly reason: string;
}

/**
 * What can happen to an order: names and fields of `proto/ordermesh/order/v1/events.proto`. The order's id and the time
 * of each event are not repeated here: they belong to the stream and to the stored event's metadata.
 */
export type OrderEvent =
  | OrderCreated
  | OrderConfirmed
  | OrderPaid
  | OrderShipped
  | OrderDelivered
  | OrderCancelled;
