import { eventSchemas, schemaVersionOf } from '@ordermesh/contract';
import type { OrderEvent } from '@ordermesh/order';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { orderCodec } from './order-codec.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const money = fc.record({
  currencyCode: fc.constantFrom('USD', 'JPY', 'KWD'),
  minorUnits: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
});
// What a protobuf timestamp can hold: years 1 to 9999.
const time = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
const item = fc.record({
  productId: fc.uuid(),
  productName: text,
  quantity: fc.integer({ min: 1, max: 10_000 }),
  unitPrice: money,
});
const address = fc.record({
  recipient: text,
  line1: text,
  line2: text,
  city: text,
  region: text,
  postalCode: text,
  countryCode: fc.constantFrom('GB', 'AT'),
});

const eventsOfType: { [T in OrderEvent['type']]: fc.Arbitrary<OrderEvent & { type: T }> } = {
  OrderCreated: fc.record({
    type: fc.constant('OrderCreated' as const),
    customerId: fc.uuid(),
    items: fc.array(item, { minLength: 1, maxLength: 5 }),
    shippingAddress: address,
    total: money,
    createdAt: time,
    estimatedDeliveryAt: time,
  }),
  OrderConfirmed: fc.constant({ type: 'OrderConfirmed' as const }),
  OrderPaid: fc.record({ type: fc.constant('OrderPaid' as const), paymentId: text, amount: money }),
  OrderShipped: fc.record({ type: fc.constant('OrderShipped' as const), trackingNumber: text }),
  OrderDelivered: fc.constant({ type: 'OrderDelivered' as const }),
  OrderCancelled: fc.record({ type: fc.constant('OrderCancelled' as const), reason: text }),
  OrderItemAdded: fc.record({
    type: fc.constant('OrderItemAdded' as const),
    item,
    addedQuantity: fc.integer({ min: 1, max: 10_000 }),
    total: money,
  }),
  OrderItemRemoved: fc.record({
    type: fc.constant('OrderItemRemoved' as const),
    productId: fc.uuid(),
    removedQuantity: fc.integer({ min: 1, max: 1_000_000 }),
    total: money,
  }),
  ShippingAddressChanged: fc.record({
    type: fc.constant('ShippingAddressChanged' as const),
    shippingAddress: address,
  }),
};

describe('orderCodec', () => {
  test('knows every event of the catalogue', () => {
    expect(Object.keys(eventsOfType).sort()).toEqual(Object.keys(eventSchemas).sort());
  });

  test.each(Object.entries(eventsOfType))('reads %s as it was written', (type, events) => {
    fc.assert(
      fc.property(events as fc.Arbitrary<OrderEvent>, (event) => {
        const encoded = orderCodec.encode(event);
        expect(encoded).toMatchObject({ type, schemaVersion: schemaVersionOf(type) });
        expect(orderCodec.decode(encoded)).toEqual(event);
      }),
    );
  });

  test.each([
    ['an unknown type', { type: 'OrderLost' }, /unknown type OrderLost/],
    ['a future schema', { schemaVersion: 2 }, /OrderPaid of schema version 2/],
    ['data of another shape', { data: '{"carrier":"x"}' }, /carrier/],
    ['data without a field that it always had', { data: '{"paymentId":"p"}' }, /missing/],
  ])('refuses %s', (_, change, message) => {
    const data = '{"paymentId":"p","amount":{"currencyCode":"USD","minorUnits":"1"}}';
    const encoded = { type: 'OrderPaid', schemaVersion: 1, data, ...change };
    expect(() => orderCodec.decode(encoded)).toThrow(message);
  });
});
