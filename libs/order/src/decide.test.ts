import { specify } from '@ordermesh/event-sourcing/testing';
import { describe, expect, it } from 'vitest';
import * as sample from '../test/samples.ts';
import {
  decide,
  fold,
  type OrderCommand,
  type OrderEvent,
  type OrderStatus,
  orderDecider,
  type RejectionReason,
} from './index.ts';

const { created, confirmed, paid, shipped, delivered, cancelled, usd, NOON, historyOf } = sample;
const order = specify(orderDecider(sample.policy));

const commands = {
  confirm: { type: 'ConfirmOrder', now: NOON },
  pay: { type: 'PayOrder', paymentId: 'pay-1', amount: usd(2500n), now: NOON },
  ship: { type: 'ShipOrder', trackingNumber: 'TRACK-1', now: NOON },
  deliver: { type: 'DeliverOrder', now: NOON },
  cancel: { type: 'CancelOrder', reason: 'changed my mind', now: NOON },
  add: { type: 'AddItem', item: sample.cup, now: NOON },
  remove: { type: 'RemoveItem', productId: sample.cup.productId, now: NOON },
  move: { type: 'ChangeShippingAddress', shippingAddress: sample.elsewhere, now: NOON },
} as const satisfies Record<string, OrderCommand>;

const { confirm, pay, ship, deliver, cancel } = commands;

const payWith = (currencyCode: string, minorUnits: bigint): OrderCommand => ({
  ...pay,
  amount: { currencyCode, minorUnits },
});

type Outcome = OrderEvent | RejectionReason;

/** What only a pending order lets happen. */
const onlyPending = (outcome: Outcome) => ({
  PENDING: outcome,
  CONFIRMED: 'ORDER_NOT_PENDING' as const,
  PAID: 'ORDER_NOT_PENDING' as const,
  SHIPPED: 'ORDER_NOT_PENDING' as const,
  DELIVERED: 'ORDER_NOT_PENDING' as const,
  CANCELLED: 'ORDER_NOT_PENDING' as const,
});

/** Every command on every status, as the domain's table has it. */
const table: Record<keyof typeof commands, Record<OrderStatus, Outcome>> = {
  confirm: onlyPending(confirmed),
  pay: {
    PENDING: paid,
    CONFIRMED: paid,
    PAID: 'ORDER_NOT_PENDING',
    SHIPPED: 'ORDER_NOT_PENDING',
    DELIVERED: 'ORDER_NOT_PENDING',
    CANCELLED: 'ORDER_NOT_PENDING',
  },
  ship: {
    PENDING: 'ORDER_NOT_PAID',
    CONFIRMED: 'ORDER_NOT_PAID',
    PAID: shipped,
    SHIPPED: 'ORDER_NOT_PAID',
    DELIVERED: 'ORDER_NOT_PAID',
    CANCELLED: 'ORDER_NOT_PAID',
  },
  deliver: {
    PENDING: 'ORDER_NOT_SHIPPED',
    CONFIRMED: 'ORDER_NOT_SHIPPED',
    PAID: 'ORDER_NOT_SHIPPED',
    SHIPPED: delivered,
    DELIVERED: 'ORDER_NOT_SHIPPED',
    CANCELLED: 'ORDER_NOT_SHIPPED',
  },
  cancel: {
    PENDING: cancelled,
    CONFIRMED: cancelled,
    PAID: cancelled,
    SHIPPED: cancelled,
    DELIVERED: 'ORDER_NOT_CANCELLABLE',
    CANCELLED: 'ORDER_ALREADY_CANCELLED',
  },
  add: onlyPending(sample.cupAdded),
  remove: onlyPending('ITEM_NOT_FOUND'),
  move: onlyPending(sample.moved),
};

/** The statuses that a status rejection must name as the way out. */
const allowedFor = {
  confirm: 'PENDING',
  pay: 'PENDING,CONFIRMED',
  ship: 'PAID',
  deliver: 'SHIPPED',
  cancel: 'PENDING,CONFIRMED,PAID,SHIPPED',
  add: 'PENDING',
  remove: 'PENDING',
  move: 'PENDING',
};

const names = Object.keys(commands) as (keyof typeof commands)[];
const statuses = Object.keys(historyOf) as OrderStatus[];
const titled = (name: keyof typeof commands, status: OrderStatus) => {
  const outcome = table[name][status];
  return [name, status, typeof outcome === 'string' ? outcome : outcome.type, outcome] as const;
};

describe('a command on an existing order', () => {
  it.each(names.flatMap((name) => statuses.map((status) => titled(name, status))))(
    '%s on %s comes to %s',
    (name, status, _title, outcome) => {
      const decision = order.given(...historyOf[status]).when(commands[name]);
      if (typeof outcome !== 'string') return decision.then(outcome);
      if (outcome === 'ITEM_NOT_FOUND') return decision.thenRejected({ reason: outcome });
      decision.thenRejected({
        reason: outcome,
        message: `The order is ${status}; it must be ${allowedFor[name].replaceAll(',', ' or ')}.`,
        details: { currentStatus: status, allowed: allowedFor[name] },
      });
    },
  );

  it.each(statuses)(
    'refuses to create it again when it is %s, and tells nothing of it',
    (status) => {
      order
        .given(...historyOf[status])
        .when(sample.create(...sample.teapots))
        .thenRejected({
          reason: 'ORDER_ALREADY_EXISTS',
          message: 'An order with this id exists; the id must be unused.',
          details: {},
        });
    },
  );
});

describe('a command on an absent order', () => {
  it.each(names)('%s finds no order', (name) => {
    order.given().when(commands[name]).thenRejected({ reason: 'ORDER_NOT_FOUND', details: {} });
  });

  it('creates it with its total and one fixed promise of delivery', () => {
    order
      .given()
      .when(sample.create(...sample.teapots))
      .then(created);
  });

  it('promises delivery on the day of creation when the policy says 0 days', () => {
    const sameDay = specify(orderDecider({ ...sample.policy, estimatedDeliveryDays: 0 }));
    sameDay
      .given()
      .when(sample.create(...sample.teapots))
      .then({ ...created, estimatedDeliveryAt: NOON });
  });
});

describe('paying', () => {
  it.each([2499n, 2501n, 0n, -2500n])('refuses %d cents for a total of 2500', (cents) => {
    order
      .given(created)
      .when(payWith('USD', cents))
      .thenRejected({
        reason: 'PAYMENT_AMOUNT_MISMATCH',
        details: { currencyCode: 'USD', expected: '2500', actual: String(cents) },
      });
  });

  it('says in major units what was paid and what must be', () => {
    order.given(created).when(payWith('USD', 2499n)).thenRejected({
      message: 'The payment is 24.99 USD; it must be the total, 25.00 USD.',
    });
  });

  it('refuses another currency, even for the same number of minor units', () => {
    order
      .given(created)
      .when(payWith('EUR', 2500n))
      .thenRejected({
        reason: 'CURRENCY_MISMATCH',
        message: 'The payment is in EUR; it must be in USD.',
        details: { expected: 'USD', actual: 'EUR' },
      });
  });
});

describe('order of checks', () => {
  const mixed = [sample.item(usd(0n)), sample.item({ currencyCode: 'EUR', minorUnits: 0n })];

  it('existence comes before everything else', () => {
    order.given().when(payWith('EUR', 1n)).thenRejected({ reason: 'ORDER_NOT_FOUND' });
    order.given(created).when(sample.create()).thenRejected({ reason: 'ORDER_ALREADY_EXISTS' });
    order
      .given(created)
      .when(sample.create(...mixed))
      .thenRejected({ reason: 'ORDER_ALREADY_EXISTS' });
  });

  it('status comes before currency and amount', () => {
    order
      .given(...historyOf.PAID)
      .when(payWith('EUR', 1n))
      .thenRejected({ reason: 'ORDER_NOT_PENDING' });
    order
      .given(...historyOf.PAID)
      .when(payWith('USD', 1n))
      .thenRejected({ reason: 'ORDER_NOT_PENDING' });
  });

  it('currency comes before amount', () => {
    order.given(created).when(payWith('EUR', 1n)).thenRejected({ reason: 'CURRENCY_MISMATCH' });
    order
      .given()
      .when(sample.create(...mixed))
      .thenRejected({ reason: 'CURRENCY_MISMATCH' });
  });
});

describe('the rules themselves', () => {
  it('take time from the command and the policy alone', () => {
    const later = { ...sample.create(...sample.teapots), now: NOON + 1 };
    order
      .given()
      .when(later)
      .then({
        ...created,
        createdAt: NOON + 1,
        estimatedDeliveryAt: created.estimatedDeliveryAt + 1,
      });
  });

  it('let a stored order be paid whose total is under a minimum raised since', () => {
    const dear = { ...sample.policy, minimums: new Map([['USD', 1_000_000n]]) };
    expect(decide(pay, fold([created, confirmed]), dear)).toEqual({ ok: true, events: [paid] });
  });

  it('lead from creation to delivery, with confirmation or without', () => {
    order.given(created, confirmed, paid, shipped).when(deliver).then(delivered);
    order.given(created, paid, shipped).when(deliver).then(delivered);
    order.given(created, paid).when(ship).then(shipped);
    order.given(created, paid).when(confirm).thenRejected({ reason: 'ORDER_NOT_PENDING' });
    order
      .given(created, cancelled)
      .when(cancel)
      .thenRejected({ reason: 'ORDER_ALREADY_CANCELLED' });
  });
});
