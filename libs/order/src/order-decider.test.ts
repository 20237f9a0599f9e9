import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MODEL_MINIMUMS, type ModelOrder, modelStep } from '../test/reference-model.ts';
import { create, item, NOON } from '../test/samples.ts';
import {
  fold,
  MAX_MINOR_UNITS,
  type OrderCommand,
  type OrderEvent,
  type OrderState,
  orderDecider,
  parseMinimums,
} from './index.ts';

const decider = orderDecider({ minimums: parseMinimums('JPY:5'), estimatedDeliveryDays: 5 });

const currency = fc.constantFrom(...Object.keys(MODEL_MINIMUMS));

/** Prices around what matters: zero, each minimum, and where 64 bits end. */
const price = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt(100n, 20_000n) },
  { weight: 3, arbitrary: fc.bigInt(0n, 12n) },
  { weight: 2, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.bigInt(MAX_MINOR_UNITS / 3n, MAX_MINOR_UNITS) },
);

const creation = fc
  .tuple(
    currency,
    fc.array(fc.tuple(price, fc.integer({ min: 1, max: 20 })), { maxLength: 4 }),
    fc.option(currency, { freq: 6 }),
  )
  .map(([currencyCode, lines, stray]) => {
    const items = lines.map(([minorUnits, n]) => item({ currencyCode, minorUnits }, n));
    const strays = stray === null ? [] : [item({ currencyCode: stray, minorUnits: 1000n })];
    return create(...items, ...strays);
  });

/** A payment as it relates to the order that it meets; the amount itself depends on what came before. */
const payment = fc.record({
  stray: fc.option(currency, { freq: 3 }),
  surplus: fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, fc.bigInt(-2n, 2n)),
});

type Move = (order: ModelOrder | undefined) => OrderCommand;

const plain = (...commands: readonly OrderCommand[]) =>
  fc.constantFrom(...commands).map(
    (command): Move =>
      () =>
        command,
  );

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 3,
    arbitrary: creation.map(
      (command): Move =>
        () =>
          command,
    ),
  },
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
  { weight: 1, arbitrary: plain({ type: 'CancelOrder', reason: '', now: NOON }) },
);

const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
};

const summaryOf = ({ status, total, version }: OrderState): ModelOrder => ({
  status,
  total: total.minorUnits,
  currency: total.currencyCode,
  changes: version,
});

describe('orderDecider()', () => {
  it('agrees with an independent model over any sequence of commands', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(move, { minLength: 1, maxLength: 40, size: 'max' }), (moves) => {
        const stored: OrderEvent[] = [];
        let state: OrderState | undefined;
        let model: ModelOrder | undefined;

        for (const next of moves) {
          const command = deepFreeze(next(model));
          const expected = modelStep(model, command);
          const decision = decider.decide(command, deepFreeze(state));

          if (typeof expected === 'string') {
            seen.add(expected);
            expect(decision).toMatchObject({ ok: false, rejection: { reason: expected } });
            continue;
          }
          if (!decision.ok) throw new Error(`${command.type}: ${decision.rejection.message}`);
          model = expected;
          for (const event of decision.events) {
            stored.push(deepFreeze(event));
            state = decider.evolve(state, event);
          }
          seen.add(expected.status);
          expect(summaryOf(fold(stored))).toEqual(expected);
          expect(state).toEqual(fold(stored));
        }
      }),
      { numRuns: 1500 },
    );

    // Agreement on what never happened would prove nothing: every outcome has been met (the rarest some 90 times).
    expect([...seen].sort()).toEqual([
      'CANCELLED',
      'CONFIRMED',
      'CURRENCY_MISMATCH',
      'DELIVERED',
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
      'SHIPPED',
    ]);
  });
});
