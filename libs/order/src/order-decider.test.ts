import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MODEL_MINIMUMS, type ModelOrder, modelStep } from '../test/reference-model.ts';
import { create, elsewhere, item, NOON } from '../test/samples.ts';
import {
  fold,
  MAX_MINOR_UNITS,
  type OrderCommand,
  type OrderEvent,
  type OrderState,
  orderDecider,
  parseMinimums,
  type Rejection,
} from './index.ts';

const decider = orderDecider({ minimums: parseMinimums('JPY:5'), estimatedDeliveryDays: 5 });

const currency = fc.constantFrom(...Object.keys(MODEL_MINIMUMS));

/** One time in six. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

/** Prices around what matters: zero, each minimum, and where 64 bits end. */
const price = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(100n, 20_000n) },
  { weight: 3, arbitrary: fc.bigInt(0n, 12n) },
  { weight: 2, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.bigInt(MAX_MINOR_UNITS / 3n, MAX_MINOR_UNITS) },
);

const products = Array.from({ length: 101 }, (_, i) => `product-${i}`);

/** Orders that are full, or have room for one more line. */
const wideCreation = fc.constantFrom(99, 100).map((lines) => {
  const unitPrice = { currencyCode: 'USD', minorUnits: 100n };
  return create(...products.slice(0, lines).map((product) => item(unitPrice, 1, product)));
});

const creation = fc
  .tuple(
    currency,
    fc.array(fc.tuple(price, fc.integer({ min: 1, max: 20 })), { maxLength: 4 }),
    seldom(currency),
  )
  .map(([currencyCode, lines, stray]) => {
    const items = lines.map(([minorUnits, n], i) =>
      item({ currencyCode, minorUnits }, n, products[i % 3]),
    );
    const strays = stray === null ? [] : [item({ currencyCode: stray, minorUnits: 1000n })];
    return create(...items, ...strays);
  });

/** A payment as it relates to the order that it meets; the amount itself depends on what came before. */
const payment = fc.record({
  stray: seldom(currency),
  surplus: fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, fc.bigInt(-2n, 2n)),
});

/** An item as it relates to the order that it meets: mostly in its currency, often of a product and at a price that it has. */
const addition = fc.record({
  product: fc.constantFrom(...products.slice(0, 3), 'product-100'),
  price,
  quantity: fc.oneof(
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 9_990, max: 10_000 }) },
  ),
  known: fc.oneof(fc.constant(null), fc.nat()),
  stray: seldom(currency),
});

type Move = (order: ModelOrder | undefined) => OrderCommand;

const plain = (...commands: readonly OrderCommand[]) =>
  fc.constantFrom(...commands).map(
    (command): Move =>
      () =>
        command,
  );

const placing = fc
  .oneof({ weight: 4, arbitrary: creation }, { weight: 1, arbitrary: wideCreation })
  .map(
    (command): Move =>
      () =>
        command,
  );

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 2, arbitrary: placing },
  {
    weight: 4,
    arbitrary: payment.map(
      ({ stray, surplus }): Move =>
        (order) => ({
          type: 'PayOrder',
          paymentId: 'pay-1',
          amount: {
            currencyCode: stray ?? order?.currency ?? 'USD',
            minorUnits: (order?.total ?? 0n) + surplus,
          },
          now: NOON,
        }),
    ),
  },
  {
    weight: 6,
    arbitrary: plain(
      { type: 'ConfirmOrder', now: NOON },
      { type: 'ShipOrder', trackingNumber: 'TRACK-1', now: NOON },
      { type: 'DeliverOrder', now: NOON },
    ),
  },
  {
    weight: 6,
    arbitrary: addition.map(
      ({ product, price, quantity, known, stray }): Move =>
        (order) => {
          const line = known === null ? undefined : order?.lines[known % order.lines.length];
          const unitPrice = {
            currencyCode: stray ?? order?.currency ?? 'USD',
            minorUnits: line?.price ?? price,
          };
          const added = item(unitPrice, quantity, line?.product ?? product);
          return { type: 'AddItem', item: added, now: NOON };
        },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(...products.slice(0, 4)).map(
      (productId): Move =>
        () => ({ type: 'RemoveItem', productId, now: NOON }),
    ),
  },
  {
    weight: 1,
    arbitrary: plain({ type: 'ChangeShippingAddress', shippingAddress: elsewhere, now: NOON }),
  },
  { weight: 1, arbitrary: plain({ type: 'CancelOrder', reason: '', now: NOON }) },
);

const sequence = fc.array(move, { minLength: 1, maxLength: 40, size: 'max' });

const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
};

const summaryOf = ({ status, total, version, items }: OrderState): ModelOrder => ({
  status,
  total: total.minorUnits,
  currency: total.currencyCode,
  changes: version,
  lines: items.map(({ productId, unitPrice, quantity }) => ({
    product: productId,
    price: unitPrice.minorUnits,
    count: quantity,
  })),
});

const nameOf = ({ reason, fault }: Rejection) => (fault ? `${reason} ${fault.field}` : reason);

describe('orderDecider()', () => {
  it('agrees with an independent model over any sequence of commands', () => {
    const seen = new Set<string>();
    fc.assert(
      // Most begin by placing an order: of what is asked before, nothing but ORDER_NOT_FOUND can come.
      fc.property(fc.option(placing, { freq: 9 }), sequence, (first, later) => {
        const moves = first === null ? later : [first, ...later];
        const stored: OrderEvent[] = [];
        let state: OrderState | undefined;
        let model: ModelOrder | undefined;

        for (const next of moves) {
          const command = deepFreeze(next(model));
          const expected = modelStep(model, command);
          const decision = decider.decide(command, deepFreeze(state));

          if (typeof expected === 'string') {
            seen.add(expected);
            expect(decision.ok ? decision : nameOf(decision.rejection)).toBe(expected);
            continue;
          }
          if (!decision.ok) throw new Error(`${command.type}: ${decision.rejection.message}`);
          model = expected;
          for (const event of decision.events) {
            stored.push(deepFreeze(event));
            state = decider.evolve(state, event);
          }
          if (expected.status !== 'PENDING' || command.type === 'CreateOrder')
            seen.add(expected.status);
          else seen.add(command.type);
          expect(summaryOf(fold(stored))).toEqual(expected);
          expect(state).toEqual(fold(stored));
        }
      }),
      { numRuns: 1500 },
    );

    // Agreement on what never happened would prove nothing: every outcome has been met (the rarest some 15 times).
    expect([...seen].sort()).toEqual([
      'AddItem',
      'CANCELLED',
      'CONFIRMED',
      'CURRENCY_MISMATCH',
      'ChangeShippingAddress',
      'DELIVERED',
      'INVALID_REQUEST item',
      'INVALID_REQUEST item.quantity',
      'ITEM_NOT_FOUND',
      'ITEM_PRICE_CONFLICT',
      'ORDER_ALREADY_CANCELLED',
      'ORDER_ALREADY_EXISTS',
      'ORDER_BELOW_MINIMUM',
      'ORDER_EMPTY',
      'ORDER_NOT_CANCELLABLE',
      'ORDER_NOT_FOUND',
      'ORDER_NOT_PAID',
      'ORDER_NOT_PENDING',
      'ORDER_NOT_SHIPPED',
      'ORDER_TOTAL_INVALID',
      'PAID',
      'PAYMENT_AMOUNT_MISMATCH',
      'PENDING',
      'RemoveItem',
      'SHIPPED',
    ]);
  });
});
