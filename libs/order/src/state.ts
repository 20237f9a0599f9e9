import type { Money } from './money.ts';

/** A moment, in milliseconds since 1970-01-01T00:00:00Z. A number, because a `Date` can be changed by whoever holds it. */
export type EpochMs = number;

/** Where an order stands. DELIVERED and CANCELLED are final. */
export type OrderStatus = 'PENDING' | 'CONFIRMED' | 'PAID' | 'SHIPPED' | 'DELIVERED' | 'CANCELLED';

/** One line of an order. The service's edge has checked: quantity is a whole number of 1 to 10,000, the price not negative. */
export interface OrderItem {
  readonly productId: string;
  /** The product's name when it was ordered. */
  readonly productName: string;
  readonly quantity: number;
  /** Price of one. */
  readonly unitPrice: Money;
}

/** Where the parcel goes. Fields that do not apply are empty strings, as on the wire. */
export interface Address {
  readonly recipient: string;
  readonly line1: string;
  readonly line2: string;
  readonly city: string;
  readonly region: string;
  readonly postalCode: string;
  /** ISO 3166-1 alpha-2, upper case. */
  readonly countryCode: string;
}

/**
 * The order as its own decisions and the answer to a command need it. What only readers want (tracking number, payment
 * id, address, times of each step) stays in the events: the views hold it, and snapshots stay small.
 */
export interface OrderState {
  /** Number of events folded, 1..n. */
  readonly version: number;
  readonly status: OrderStatus;
  /** Who ordered; callers compare it to decide whose order this is. */
  readonly customerId: string;
  readonly items: readonly OrderItem[];
  /** Sum over quantity times unit price. */
  readonly total: Money;
  /** Promised at creation; later events do not move it. */
  readonly estimatedDeliveryAt: EpochMs;
}
