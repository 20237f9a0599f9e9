import type { OrderEvent } from './events.ts';
import type { OrderStatus } from './state.ts';

/** From which statuses an event may happen, and the status it leads to. */
export interface Transition {
  readonly from: readonly OrderStatus[];
  readonly to: OrderStatus;
}

/** Every event that happens to an existing order. */
export type LaterEventType = Exclude<OrderEvent['type'], 'OrderCreated'>;

/** The life of an order. Deciding and folding both read this table, so they cannot disagree about what is legal. */
export const TRANSITIONS: Readonly<Record<LaterEventType, Transition>> = {
  OrderConfirmed: { from: ['PENDING'], to: 'CONFIRMED' },
  OrderPaid: { from: ['PENDING', 'CONFIRMED'], to: 'PAID' },
  OrderShipped: { from: ['PAID'], to: 'SHIPPED' },
  OrderDelivered: { from: ['SHIPPED'], to: 'DELIVERED' },
  OrderCancelled: { from: ['PENDING', 'CONFIRMED', 'PAID', 'SHIPPED'], to: 'CANCELLED' },
  OrderItemAdded: { from: ['PENDING'], to: 'PENDING' },
  OrderItemRemoved: { from: ['PENDING'], to: 'PENDING' },
  ShippingAddressChanged: { from: ['PENDING'], to: 'PENDING' },
};
