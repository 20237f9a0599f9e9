import type { Money } from './money.ts';
import type { Address, EpochMs, OrderItem } from './state.ts';

interface Timed {
  /** When the command is decided; the caller stores it as the time of the resulting events. */
  readonly now: EpochMs;
}

/** Places an order. The id is the stream's, and whether the customer exists is not asked. */
export interface CreateOrder extends Timed {
  readonly type: 'CreateOrder';
  readonly customerId: string;
  readonly items: readonly OrderItem[];
  readonly shippingAddress: Address;
}

/** Accepts the order for payment. */
export interface ConfirmOrder extends Timed {
  readonly type: 'ConfirmOrder';
}

/** Records the payment of the whole total. */
export interface PayOrder extends Timed {
  readonly type: 'PayOrder';
  /** The payment provider's reference. */
  readonly paymentId: string;
  /** Must equal the total exactly, to the minor unit. */
  readonly amount: Money;
}

/** Records that the parcel left. */
export interface ShipOrder extends Timed {
  readonly type: 'ShipOrder';
  /** The carrier's number. */
  readonly trackingNumber: string;
}

/** Records that the parcel arrived. */
export interface DeliverOrder extends Timed {
  readonly type: 'DeliverOrder';
}

/** Gives the order up. */
export interface CancelOrder extends Timed {
  readonly type: 'CancelOrder';
  /** Why, in the caller's words; may be empty. */
  readonly reason: string;
}

/** Adds an item to a pending order; more of a product that it has at this price adds to its quantity. */
export interface AddItem extends Timed {
  readonly type: 'AddItem';
  /** What to add; its name counts only where the product is new to the order. */
  readonly item: OrderItem;
}

/** Removes a product from a pending order, all of it. */
export interface RemoveItem extends Timed {
  readonly type: 'RemoveItem';
  readonly productId: string;
}

/** Sends a pending order elsewhere. */
export interface ChangeShippingAddress extends Timed {
  readonly type: 'ChangeShippingAddress';
  readonly shippingAddress: Address;
}

/** What can be asked of an order. Shapes are checked before, at the service's edge. */
export type OrderCommand =
  | CreateOrder
  | ConfirmOrder
  | PayOrder
  | ShipOrder
  | DeliverOrder
  | CancelOrder
  | AddItem
  | RemoveItem
  | ChangeShippingAddress;
