import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { TimestampSchema, timestampDate } from '@bufbuild/protobuf/wkt';
import {
  type BusMessage,
  Enrichment,
  eventSchemas,
  MoneySchema,
  type OrderCreated,
  OrderCreatedSchema,
  OrderSchema,
  OrderStatus,
} from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { type DecodedEvent, decodeEvent } from './decode-event.ts';
import { applyEvent, evolveView, isDuplicate } from './evolve-view.ts';
import { itemAdded, itemRemoved, orderMessages } from './testing/order-messages.ts';
import { storedOrder, storedStates } from './testing/stored-orders.ts';

const delivered = ['OrderConfirmed', 'OrderPaid', 'OrderShipped', 'OrderDelivered'] as const;
const decoded = (...args: Parameters<typeof orderMessages>) =>
  orderMessages(...args).map((message) => decodeEvent(message)) as [
    DecodedEvent,
    ...DecodedEvent[],
  ];

test('builds the view of a delivered order, each state with its time', () => {
  const { order } = storedOrder({ firstPosition: 7n, later: delivered });
  expect(order).toMatchObject({
    version: 5,
    position: 11n,
    status: OrderStatus.DELIVERED,
    enrichment: Enrichment.PENDING,
    customerName: '',
    items: [{ productName: 'Lamp', quantity: 2 }],
    total: { currencyCode: 'EUR', minorUnits: 4200n },
    shippingAddress: { city: 'Graz' },
    trackingNumber: 'TRACK-1',
    paymentId: 'pay-1',
    cancelReason: '',
  });
  const { confirmedAt, paidAt, shippedAt, deliveredAt, cancelledAt, updatedAt } = order;
  const times = [confirmedAt, paidAt, shippedAt, deliveredAt, updatedAt].map((at) =>
    at ? timestampDate(at).toISOString().slice(11, 19) : undefined,
  );
  expect(times).toEqual(['03:05:05', '03:06:05', '03:07:05', '03:08:05', '03:08:05']);
  expect(cancelledAt).toBeUndefined();
});

test('takes the time of creation from the event and that of the change from the message', () => {
  const { order } = storedOrder({ createdAtMicros: 1_600_000_000_000_001n });
  expect(order.createdAt).toMatchObject({ seconds: 1_600_000_000n, nanos: 1000 });
  expect(order.updatedAt && timestampDate(order.updatedAt).getUTCFullYear()).toBe(2026);
});

test('shows the reason of a cancelled order', () => {
  const { order } = storedOrder({ later: ['OrderCancelled'] });
  expect(order).toMatchObject({ status: OrderStatus.CANCELLED, cancelReason: 'changed my mind' });
  expect(order.cancelledAt).toEqual(order.updatedAt);
});

test('follows every edit: lines in their places, the total and address as the events say, the time', () => {
  const productId = 'c0b6a0de-7c1e-4a5b-8f0d-2f5f0c1d7e64';
  const cup = { productId, productName: 'Cup' };
  const states = storedStates({
    items: ['Lamp', 'Rug'],
    later: [
      itemAdded(4300n),
      itemAdded(4600n, { ...cup, price: 300n }),
      itemAdded(9100n, { ...cup, price: 500n, quantity: 9 }),
      itemAdded(9777n, { ...cup, price: 300n, quantity: 4 }),
      'ShippingAddressChanged',
      itemRemoved(4300n, productId),
      'OrderConfirmed',
    ],
  });
  const seen = states.map(({ order: { items, total } }) => [
    items.map(({ productName, quantity }) => `${quantity} ${productName}`).join(', '),
    total?.minorUnits,
  ]);
  expect(seen).toEqual([
    ['2 Lamp, 2 Rug', 4200n],
    ['2 Lamp, 2 Rug, 1 Chair', 4300n],
    ['2 Lamp, 2 Rug, 1 Chair, 1 Cup', 4600n],
    ['2 Lamp, 2 Rug, 1 Chair, 1 Cup, 9 Cup', 9100n],
    ['2 Lamp, 2 Rug, 1 Chair, 4 Cup, 9 Cup', 9777n],
    ['2 Lamp, 2 Rug, 1 Chair, 4 Cup, 9 Cup', 9777n],
    ['2 Lamp, 2 Rug, 1 Chair', 4300n],
    ['2 Lamp, 2 Rug, 1 Chair', 4300n],
  ]);
  const cities = states.map(({ order }) => order.shippingAddress?.city);
  expect(cities).toEqual(['Graz', 'Graz', 'Graz', 'Graz', 'Graz', 'Linz', 'Linz', 'Linz']);
  const times = states.map(({ order: { updatedAt } }) => updatedAt && timestampDate(updatedAt));
  expect(times.map((at) => at?.toISOString().slice(14, 19))).toEqual([
    '04:05',
    '05:05',
    '06:05',
    '07:05',
    '08:05',
    '09:05',
    '10:05',
    '11:05',
  ]);
  expect(states.slice(0, 7).every(({ order }) => order.status === OrderStatus.PENDING)).toBe(true);
});

test('leaves the view that it was given as it was', () => {
  const [first] = storedStates();
  const event = decoded({ orderId: first?.order.orderId ?? '', later: ['OrderCancelled'] })[1];
  const before = toBinary(OrderSchema, first?.order as never);
  const next = applyEvent(first, event as DecodedEvent);
  expect(toBinary(OrderSchema, first?.order as never)).toEqual(before);
  expect(next.order).not.toBe(first?.order);
});

test('keeps the customer and takes the trace context of the event', () => {
  const stored = { ...storedOrder({}, ['Ada', 'a@x.org']), traceparent: 'old' };
  const { orderId } = stored.order;
  const [, event] = decoded({ orderId, later: ['OrderCancelled'] }) as [unknown, DecodedEvent];
  expect(applyEvent(stored, event)).toMatchObject({
    order: { customerName: 'Ada', enrichment: Enrichment.DONE },
    customerRevision: 2,
    traceparent: event.traceparent,
  });
});

test('tells which events a view contains', () => {
  const [first, second] = decoded({ later: ['OrderCancelled'] }) as [DecodedEvent, DecodedEvent];
  const view = evolveView(undefined, first);
  expect([
    isDuplicate(undefined, first),
    isDuplicate(view, first),
    isDuplicate(view, second),
  ]).toEqual([false, true, false]);
});

describe('parks as invariant', () => {
  const events = decoded({ later: ['OrderConfirmed', 'OrderCancelled'] });
  const [first, second, third] = events as [DecodedEvent, DecodedEvent, DecodedEvent];
  const view = evolveView(undefined, first);
  const broken = expect.objectContaining({ kind: 'invariant' });

  test('a version that is not the next one', () => {
    expect(() => evolveView(view, third)).toThrow(broken);
    expect(() => evolveView(view, first)).toThrow(broken);
    expect(() => evolveView(undefined, second)).toThrow(broken);
  });

  test('a first event that is not OrderCreated', () => {
    expect(() => evolveView(undefined, { ...second, version: 1 })).toThrow(broken);
  });

  test('a second OrderCreated', () => {
    expect(() => evolveView(view, { ...first, version: 2 })).toThrow(broken);
  });

  const chair = { productId: randomUUID(), productName: 'Chair', quantity: 1 };
  const price = { currencyCode: 'EUR', minorUnits: 1n };
  const edits: [string, DecodedEvent['event']][] = [
    ['an addition of nothing', create(eventSchemas.OrderItemAdded, { total: price })],
    [
      'an addition without a price',
      create(eventSchemas.OrderItemAdded, { item: chair, total: price }),
    ],
    [
      'an addition without a total',
      create(eventSchemas.OrderItemAdded, { item: { ...chair, unitPrice: price } }),
    ],
    [
      'the removal of what is not there',
      create(eventSchemas.OrderItemRemoved, { productId: chair.productId, total: price }),
    ],
    [
      'a removal without a total',
      create(eventSchemas.OrderItemRemoved, { productId: view.items[0]?.productId ?? '' }),
    ],
    ['a move to nowhere', create(eventSchemas.ShippingAddressChanged)],
  ];
  test.each(edits)('%s', (_, event) => {
    expect(() => evolveView(view, { ...second, event })).toThrow(broken);
  });

  const total = create(MoneySchema, { minorUnits: 1n });
  const late = create(TimestampSchema, { seconds: 1n << 60n });
  const without: [string, Partial<Record<keyof OrderCreated, unknown>>][] = [
    ['a customer id that is no UUID', { customerId: 'x' }],
    ['no total', { total: undefined }],
    ['no currency', { total }],
    ['no time', { createdAt: undefined }],
    ['a time that no timestamp has', { createdAt: late }],
  ];
  test.each(without)('an OrderCreated with %s', (_, change) => {
    const [message] = orderMessages() as [BusMessage];
    const event = decodeEvent(message).event as OrderCreated;
    const copy = { ...event, ...change } as OrderCreated;
    const value = toBinary(OrderCreatedSchema, copy);
    expect(() => evolveView(undefined, decodeEvent({ ...message, value }))).toThrow(broken);
  });
});
