import { readFileSync } from 'node:fs';
import { fold, type OrderState } from '@ordermesh/order';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { orderCodec } from './order-codec.ts';
import { orderStateCodec } from './order-state-codec.ts';

interface GoldenFile {
  readonly type: string;
  readonly schemaVersion: number;
  readonly events: readonly { readonly stored: unknown }[];
}
const repository = new URL('../../../', import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, repository), 'utf8'));

/** The first golden event of a type in its first version: what every release has to fold. */
function golden(type: string, sample = 0) {
  const file = read(`libs/contract/golden-events/${type}.v1.json`) as GoldenFile;
  return orderCodec.decode({ ...file, data: JSON.stringify(file.events[sample]?.stored) });
}

const histories = [
  [golden('OrderCreated')],
  [golden('OrderCreated', 1), golden('OrderConfirmed')],
  [golden('OrderCreated'), golden('OrderItemAdded'), golden('ShippingAddressChanged')],
  [golden('OrderCreated', 1), golden('OrderItemAdded'), golden('OrderItemRemoved')],
  ['OrderCreated', 'OrderConfirmed', 'OrderPaid', 'OrderShipped', 'OrderDelivered'].map((type) =>
    golden(type),
  ),
  [golden('OrderCreated'), golden('OrderCancelled')],
];

test('the same events fold to the same state as long as the schema hash is the same', () => {
  const expected = read('apps/command/test/golden-state.json') as { schemaHash: string };
  const states = histories.map((events) => orderStateCodec.encode(fold(events)));
  const advice =
    orderStateCodec.schemaHash === expected.schemaHash
      ? 'old snapshots would be read into today’s rules: raise the revision in order-state-codec.ts'
      : 'the schema has changed: write this to apps/command/test/golden-state.json';
  expect({ schemaHash: orderStateCodec.schemaHash, states }, advice).toEqual(expected);
});

const text = fc.string({ unit: 'binary', maxLength: 40 });
const money = fc.record({
  currencyCode: fc.constantFrom('USD', 'JPY'),
  minorUnits: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
});
const states: fc.Arbitrary<OrderState> = fc.record({
  version: fc.integer({ min: 1 }),
  status: fc.constantFrom('PENDING', 'CONFIRMED', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED'),
  customerId: fc.uuid(),
  items: fc.array(
    fc.record({
      productId: fc.uuid(),
      productName: text,
      quantity: fc.integer({ min: 1, max: 10_000 }),
      unitPrice: money,
    }),
  ),
  total: money,
  estimatedDeliveryAt: fc.integer({ min: 0, max: 253_402_300_799_999 }),
});

test('keeps every order exactly, to the last minor unit', () => {
  fc.assert(
    fc.property(states, (state) => {
      expect(orderStateCodec.decode(orderStateCodec.encode(state))).toEqual(state);
    }),
  );
});
