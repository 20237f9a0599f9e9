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

/** A pending order got more of a product. Says what is from now on, so that nobody who folds it has to compute. */
export interface OrderItemAdded {
  readonly type: 'OrderItemAdded';
  /**
   * The order's line of this product at this price, with the quantity in all: it takes the place of the first such line, or
   * is a new last one.
   */
  readonly item: OrderItem;
  /** How many of them are new, 1 or more. */
  readonly addedQuantity: number;
  /** Sum over quantity times unit price after the edit. */
  readonly total: Money;
}

/** A pending order lost a product: every line of it. */
export interface OrderItemRemoved {
  readonly type: 'OrderItemRemoved';
  readonly productId: string;
  /** How many there were, 1 or more. */
  readonly removedQuantity: number;
  /** Sum over quantity times unit price after the edit. */
  readonly total: Money;
}

/** A pending order goes to an address that its caller named anew; the same one perhaps. */
export interface ShippingAddressChanged {
  readonly type: 'ShippingAddressChanged';
  readonly shippingAddress: Address;
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
  | OrderCancelled
  | OrderItemAdded
  | OrderItemRemoved
  | ShippingAddressChanged;
