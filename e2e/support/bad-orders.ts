import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { type Call, calls, commands, place, placeItems, placePriced, placeTo } from './calls.ts';
import { absent, bad, conflict, invalid, type Says, stale } from './refusals.ts';

/** A call that has to be refused, alike over every protocol that the row does not leave out. */
export interface BadCall {
  readonly rule: string;
  readonly call: Call;
  readonly says: Says;
  /** HTTP headers and gRPC metadata. */
  readonly headers?: Record<string, string>;
  /** Default: all. */
  readonly via?: readonly Protocol[];
}

/** The ways in. */
export type Protocol = 'REST' | 'Connect' | 'gRPC';

/** Where an order can stand. */
export type Status = keyof typeof orders;

/** One order in every status, brought there before the first case; 2 × 12.50 USD each. Fixed ids, since titles name them. */
export const orders = {
  PENDING: '0190abcd-0000-7000-8000-000000000001',
  CONFIRMED: '0190abcd-0000-7000-8000-000000000002',
  PAID: '0190abcd-0000-7000-8000-000000000003',
  SHIPPED: '0190abcd-0000-7000-8000-000000000004',
  DELIVERED: '0190abcd-0000-7000-8000-000000000005',
  CANCELLED: '0190abcd-0000-7000-8000-000000000006',
};

/** The commands that bring a placed order there. */
export const journeys: Readonly<Record<Status, readonly (keyof typeof commands)[]>> = {
  PENDING: [],
  CONFIRMED: ['confirm'],
  PAID: ['confirm', 'pay'],
  SHIPPED: ['pay', 'ship'],
  DELIVERED: ['confirm', 'pay', 'ship', 'deliver'],
  CANCELLED: ['cancel'],
};

/** An idempotency key that was used to place {@link orders}.PENDING. */
export const usedKey = randomUUID();

type Command = keyof typeof commands;
const names = Object.keys(commands) as Command[];
const statuses = Object.keys(orders) as Status[];
const taken: Says = { reason: 'ORDER_ALREADY_EXISTS', http: 409, code: 'ALREADY_EXISTS' };

const on = (orderId: string, command: Command, change: JsonObject = {}) =>
  calls[command]({ orderId, ...commands[command], ...change });
const pay = (status: Status, currencyCode: string, minorUnits: string) =>
  on(orders[status], 'pay', { amount: { currencyCode, minorUnits } });

/** What the order's state says to each command; `undefined` where the command is possible. */
const refusalOf: Readonly<Record<Command, (status: Status) => string | undefined>> = {
  confirm: (status) => (status === 'PENDING' ? undefined : 'ORDER_NOT_PENDING'),
  pay: (status) => (/PENDING|CONFIRMED/.test(status) ? undefined : 'ORDER_NOT_PENDING'),
  ship: (status) => (status === 'PAID' ? undefined : 'ORDER_NOT_PAID'),
  deliver: (status) => (status === 'SHIPPED' ? undefined : 'ORDER_NOT_SHIPPED'),
  cancel: (status) =>
    ({ DELIVERED: 'ORDER_NOT_CANCELLABLE', CANCELLED: 'ORDER_ALREADY_CANCELLED' })[
      status as string
    ],
  add: (status) => (status === 'PENDING' ? undefined : 'ORDER_NOT_PENDING'),
  remove: (status) => (status === 'PENDING' ? undefined : 'ORDER_NOT_PENDING'),
  move: (status) => (status === 'PENDING' ? undefined : 'ORDER_NOT_PENDING'),
};

const wrongStatus: BadCall[] = statuses.flatMap((status) => [
  ...names.flatMap((name) => {
    const reason = refusalOf[name](status);
    const call = on(orders[status], name);
    return reason ? [{ rule: `${name} on ${status}`, call, says: conflict(reason as never) }] : [];
  }),
  { rule: `create on ${status}`, call: place({ orderId: orders[status] }), says: taken },
]);

const noOrder: BadCall[] = names.flatMap((name) => [
  { rule: `${name} on no order`, call: on(randomUUID(), name), says: absent('ORDER_NOT_FOUND') },
  { rule: `${name} on 7`, call: on('7', name), says: invalid('orderId') },
  { rule: `${name} on an id with U+0000`, call: on('\0', name), says: invalid('orderId') },
]);

const nul = 'Green\0tea';
const long = 'x'.repeat(201);
const huge = '9223372036854775807';

const shapes: BadCall[] = [
  // Identifiers.
  { rule: 'no customer', call: place({ customerId: '' }), says: invalid('customerId') },
  { rule: 'customer 7', call: place({ customerId: '7' }), says: invalid('customerId') },
  { rule: 'order 7', call: place({ orderId: '7' }), says: invalid('orderId') },
  {
    rule: 'an order id in braces',
    call: place({ orderId: `{${randomUUID()}}` }),
    says: invalid('orderId'),
  },
  {
    rule: 'no product',
    call: placeItems({}, { productId: '' }),
    says: invalid('items[1].productId'),
  },
  {
    rule: 'product tea-1',
    call: placeItems({}, { productId: 'tea-1' }),
    says: invalid('items[1].productId'),
  },
  // Items.
  { rule: 'no items', call: place({ items: [] }), says: bad('ORDER_EMPTY') },
  { rule: '101 items', call: placeItems(...Array(101).fill({})), says: invalid('items') },
  ...[0, -1, 10_001, -(2 ** 31)].map((quantity) => ({
    rule: `a quantity of ${quantity}`,
    call: placeItems({ quantity }),
    says: invalid('items[0].quantity'),
  })),
  { rule: 'no name', call: placeItems({ productName: '' }), says: invalid('items[0].productName') },
  {
    rule: 'a name of 201 characters',
    call: placeItems({ productName: long }),
    says: invalid('items[0].productName'),
  },
  { rule: 'no price', call: placeItems({ unitPrice: null }), says: invalid('items[0].unitPrice') },
  { rule: 'a price of -1', call: placePriced('USD', '-1'), says: invalid('items[0].unitPrice') },
  ...['XXX', 'usd', '', 'XAU'].map((code) => ({
    rule: `currency "${code}"`,
    call: placePriced(code, '2500'),
    says: invalid('items[0].unitPrice.currencyCode'),
  })),
  // Totals.
  { rule: 'a total of 0', call: placePriced('USD', '0'), says: bad('ORDER_TOTAL_INVALID') },
  {
    rule: 'a product beyond 64 bits',
    call: placePriced('USD', huge, 2),
    says: bad('ORDER_TOTAL_INVALID'),
  },
  {
    rule: 'a sum beyond 64 bits',
    call: placeItems(
      { quantity: 1, unitPrice: { currencyCode: 'USD', minorUnits: huge } },
      { quantity: 1, unitPrice: { currencyCode: 'USD', minorUnits: '1' } },
    ),
    says: bad('ORDER_TOTAL_INVALID'),
  },
  ...[
    ['USD', 999, 1000],
    ['JPY', 9, 10],
    ['KWD', 9999, 10_000],
  ].map(([code, minorUnits, minimum]) => ({
    rule: `${minorUnits} minor units of ${code}`,
    call: placePriced(String(code), String(minorUnits)),
    says: { ...bad('ORDER_BELOW_MINIMUM'), metadata: { minimum: String(minimum) } },
  })),
  {
    rule: 'two currencies',
    call: placeItems({}, { unitPrice: { currencyCode: 'EUR', minorUnits: '2500' } }),
    says: bad('CURRENCY_MISMATCH'),
  },
  // Addresses.
  {
    rule: 'no address',
    call: place({ shippingAddress: null }),
    says: invalid('shippingAddress'),
  },
  ...['recipient', 'line1', 'city', 'countryCode'].map((field) => ({
    rule: `an address without ${field}`,
    call: placeTo({ [field]: '' }),
    says: invalid(`shippingAddress.${field}`),
  })),
  ...['gb', 'GBR', 'G', '12'].map((countryCode) => ({
    rule: `country ${countryCode}`,
    call: placeTo({ countryCode }),
    says: invalid('shippingAddress.countryCode'),
  })),
  // U+0000, which PostgreSQL cannot store.
  {
    rule: 'U+0000 in a product’s name',
    call: placeItems({}, { productName: nul }),
    says: invalid('items[1].productName'),
  },
  ...['recipient', 'line1', 'line2', 'city', 'region', 'postalCode'].map((field) => ({
    rule: `U+0000 in an address’s ${field}`,
    call: placeTo({ [field]: nul }),
    says: invalid(`shippingAddress.${field}`),
  })),
  ...(
    [
      ['cancel', 'reason'],
      ['pay', 'paymentId'],
      ['ship', 'trackingNumber'],
    ] as const
  ).map(([command, field]) => ({
    rule: `U+0000 in ${field}`,
    call: on(orders.PAID, command, { [field]: nul }),
    says: invalid(field),
  })),
  // Other fields of commands.
  {
    rule: 'a reason of 501 characters',
    call: on(orders.PENDING, 'cancel', { reason: 'x'.repeat(501) }),
    says: invalid('reason'),
  },
  {
    rule: 'a payment without id',
    call: on(orders.PENDING, 'pay', { paymentId: '' }),
    says: invalid('paymentId'),
  },
  {
    rule: 'a payment without amount',
    call: on(orders.PENDING, 'pay', { amount: null }),
    says: invalid('amount'),
  },
  {
    rule: 'a payment in XXX',
    call: pay('PENDING', 'XXX', '1'),
    says: invalid('amount.currencyCode'),
  },
  {
    rule: 'a parcel without number',
    call: on(orders.PAID, 'ship', { trackingNumber: '' }),
    says: invalid('trackingNumber'),
  },
];

const payments: BadCall[] = [
  ...(['PENDING', 'CONFIRMED'] as const).flatMap((status) => [
    {
      rule: `a payment of 24.99 for 25.00 on ${status}`,
      call: pay(status, 'USD', '2499'),
      says: {
        ...conflict('PAYMENT_AMOUNT_MISMATCH'),
        metadata: { expected: '2500', actual: '2499' },
      },
    },
    {
      rule: `a payment in another currency on ${status}`,
      call: pay(status, 'EUR', '2500'),
      says: conflict('CURRENCY_MISMATCH'),
    },
  ]),
  {
    rule: 'currency before amount',
    call: pay('PENDING', 'EUR', '1'),
    says: conflict('CURRENCY_MISMATCH'),
  },
  {
    rule: 'status before amount',
    call: pay('PAID', 'EUR', '1'),
    says: conflict('ORDER_NOT_PENDING'),
  },
];

const rest: Pick<BadCall, 'via'> = { via: ['REST'] };
const unmet: Says = stale(2 ** 31 - 1, 1, 412);

const versions: BadCall[] = [
  ...names.map((name) => ({
    rule: `${name} at version 7 of 1`,
    call: on(orders.PENDING, name, { expectedVersion: 7 }),
    says: stale(7, 1), // also for those that PENDING refuses: the caller decided on an old state
  })),
  {
    rule: 'version before status',
    call: on(orders.DELIVERED, 'cancel', { expectedVersion: 1 }),
    says: stale(1, 5),
  },
  {
    rule: 'existence before version',
    call: on(randomUUID(), 'cancel', { expectedVersion: 1 }),
    says: absent('ORDER_NOT_FOUND'),
  },
  {
    rule: 'shape before version',
    call: on(orders.PENDING, 'cancel', { expectedVersion: 7, reason: nul }),
    says: invalid('reason'),
  },
  {
    rule: 'version 0 of an order',
    call: on(orders.PENDING, 'cancel', { expectedVersion: 0 }),
    says: invalid('expectedVersion'),
  },
  {
    rule: 'version 0 of a taken id',
    call: place({ orderId: orders.PENDING, expectedVersion: 0 }),
    says: stale(0, 1),
  },
  {
    rule: 'version 1 of a new order',
    call: place({ expectedVersion: 1 }),
    says: invalid('expectedVersion'),
  },
  ...Object.entries({
    '"7"': stale(7, 1, 412),
    '"7.2"': stale(7, 1, 412),
    'W/"1"': unmet,
    '"abc"': unmet,
    '""': unmet,
    '1': invalid('If-Match'),
    '"1': invalid('If-Match'),
    '"1", "2"': invalid('If-Match'),
    '*, "1"': invalid('If-Match'),
    '': invalid('If-Match'),
  }).map(([value, says]) => ({
    ...rest,
    rule: `If-Match: ${value}`,
    call: on(orders.PENDING, 'cancel'),
    headers: { 'if-match': value },
    says,
  })),
  {
    ...rest,
    rule: 'If-Match: * on no order',
    call: on(randomUUID(), 'cancel'),
    headers: { 'if-match': '*' },
    says: absent('ORDER_NOT_FOUND'),
  },
  {
    ...rest,
    rule: 'If-Match: "1" on no order',
    call: on(randomUUID(), 'cancel'),
    headers: { 'if-match': '"1"' },
    says: absent('ORDER_NOT_FOUND'),
  },
  {
    ...rest,
    rule: 'If-Match: * leaves the status to decide',
    call: on(orders.DELIVERED, 'cancel'),
    headers: { 'if-match': '*' },
    says: conflict('ORDER_NOT_CANCELLABLE'),
  },
  {
    ...rest,
    rule: 'If-None-Match: * on a taken id',
    call: place({ orderId: orders.SHIPPED }),
    headers: { 'if-none-match': '*' },
    says: stale(0, 3, 412),
  },
  {
    ...rest,
    rule: 'If-None-Match: * on a command',
    call: on(orders.PENDING, 'confirm'),
    headers: { 'if-none-match': '*' },
    says: invalid('If-None-Match'),
  },
];

const keys: BadCall[] = [
  ...Object.entries({ 'a b': 'a blank', [`${'x'.repeat(256)}`]: '256 characters' }).map(
    ([key, what]) => ({
      rule: `an idempotency key of ${what}`,
      call: place(),
      headers: { 'idempotency-key': key },
      says: invalid('Idempotency-Key'),
    }),
  ),
  {
    ...rest,
    rule: 'an empty idempotency key',
    call: place(),
    headers: { 'idempotency-key': '' },
    says: invalid('Idempotency-Key'),
  },
  {
    rule: 'an idempotency key of another request',
    call: place(),
    headers: { 'idempotency-key': usedKey },
    says: { reason: 'IDEMPOTENCY_KEY_REUSED', http: 422, code: 'ALREADY_EXISTS' },
  },
  {
    rule: 'an idempotency key in vain',
    call: on(orders.DELIVERED, 'cancel'),
    headers: { 'idempotency-key': randomUUID() },
    says: conflict('ORDER_NOT_CANCELLABLE'),
  },
];

/** Commands that have to be refused. */
export const badOrders: readonly BadCall[] = [
  ...wrongStatus,
  ...noOrder,
  ...shapes,
  ...payments,
  ...versions,
  ...keys,
];
