import type {
  CreateOrder,
  Money,
  OrderCreated,
  OrderEvent,
  OrderItem,
  OrderItemAdded,
  OrderItemRemoved,
  OrderPolicy,
  OrderStatus,
} from '../src/index.ts';

/** 2026-03-01T12:00:00Z. */
export const NOON = Date.UTC(2026, 2, 1, 12);

export const policy: OrderPolicy = { minimums: new Map(), estimatedDeliveryDays: 5 };

export const usd = (minorUnits: bigint): Money => ({ currencyCode: 'USD', minorUnits });

/** The product of {@link item} unless another is given. */
export const teapot = '8d5c7f0e-3a36-4a3c-9c53-0f6a5f0c7b11';

export const item = (unitPrice: Money, quantity = 1, productId = teapot): OrderItem => ({
  productId,
  productName: 'Teapot',
  quantity,
  unitPrice,
});

const shippingAddress = {
  recipient: 'Ada Lovelace',
  line1: '12 St James Square',
  line2: '',
  city: 'London',
  region: '',
  postalCode: 'SW1Y 4JH',
  countryCode: 'GB',
};

const customerId = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';

export const create = (...items: readonly OrderItem[]): CreateOrder => ({
  type: 'CreateOrder',
  customerId,
  items,
  shippingAddress,
  now: NOON,
});

/** Two teapots at 12.50 USD. */
export const teapots = [item(usd(1250n), 2)];

export const created: OrderCreated = {
  type: 'OrderCreated',
  customerId,
  items: teapots,
  shippingAddress,
  total: usd(2500n),
  createdAt: NOON,
  estimatedDeliveryAt: Date.UTC(2026, 2, 6, 12),
};
export const confirmed: OrderEvent = { type: 'OrderConfirmed' };
export const paid: OrderEvent = { type: 'OrderPaid', paymentId: 'pay-1', amount: usd(2500n) };
export const shipped: OrderEvent = { type: 'OrderShipped', trackingNumber: 'TRACK-1' };
export const delivered: OrderEvent = { type: 'OrderDelivered' };
export const cancelled: OrderEvent = { type: 'OrderCancelled', reason: 'changed my mind' };

/** A cup of 3.00 USD, beside {@link created}'s teapots. */
export const cup = {
  ...item(usd(300n), 1, 'c0b6a0de-7c1e-4a5b-8f0d-2f5f0c1d7e64'),
  productName: 'Cup',
};
export const elsewhere = { ...shippingAddress, line1: '1 Elsewhere Road', city: 'Leeds' };
export const cupAdded: OrderItemAdded = {
  type: 'OrderItemAdded',
  item: cup,
  addedQuantity: 1,
  total: usd(2800n),
};
export const cupRemoved: OrderItemRemoved = {
  type: 'OrderItemRemoved',
  productId: cup.productId,
  removedQuantity: 1,
  total: usd(2500n),
};
export const moved: OrderEvent = { type: 'ShippingAddressChanged', shippingAddress: elsewhere };

/** For each status, a history that leads to it. */
export const historyOf: Readonly<Record<OrderStatus, readonly OrderEvent[]>> = {
  PENDING: [created],
  CONFIRMED: [created, confirmed],
  PAID: [created, confirmed, paid],
  SHIPPED: [created, confirmed, paid, shipped],
  DELIVERED: [created, confirmed, paid, shipped, delivered],
  CANCELLED: [created, cancelled],
};
