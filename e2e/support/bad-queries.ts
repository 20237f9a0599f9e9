import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { type BadCall, orders } from './bad-orders.ts';
import { calls } from './calls.ts';
import { absent, bad, invalid, type Says } from './refusals.ts';

/** Customer of two orders, registered before the first case. */
export const customerId = randomUUID();

/** Page tokens of that customer, filled before the first case; each is good for one request only. */
export const tokens = { list: '', search: '', history: '' };

const other = randomUUID();
const tea: JsonObject = { query: 'tea', pageSize: 1 };
const flipped = (token: string) => (token.startsWith('A') ? 'B' : 'A') + token.slice(1);
const longer = (token: string) => `${token}AAAA`;

const foreign = (
  rule: string,
  name: 'list' | 'search' | 'history',
  request: (token: typeof tokens) => JsonObject,
): BadCall => ({
  rule: `the page token of ${rule}`,
  call: calls[name](() => request(tokens)),
  says: { ...bad('PAGE_TOKEN_INVALID'), field: 'pageToken' },
});

const pages: BadCall[] = [
  foreign('nobody', 'list', () => ({ customerId, pageToken: 'AAAA' })),
  foreign('nobody, in a search', 'search', () => ({ pageToken: 'nextPageToken' })),
  foreign('nobody, in a history', 'history', () => ({ orderId: orders.PAID, pageToken: '~' })),
  foreign('a forger', 'list', ({ list }) => ({ customerId, pageToken: flipped(list) })),
  foreign('a padder', 'list', ({ list }) => ({ customerId, pageToken: longer(list) })),
  foreign('another customer', 'list', ({ list }) => ({ customerId: other, pageToken: list })),
  foreign('another method', 'search', ({ list }) => ({ customerId, pageToken: list })),
  foreign('a search', 'list', ({ search }) => ({ customerId, pageToken: search })),
  foreign('another search', 'search', ({ search: pageToken }) => ({ query: 'milk', pageToken })),
  foreign('another status', 'search', ({ search: pageToken }) => ({
    ...tea,
    status: ['ORDER_STATUS_PAID'],
    pageToken,
  })),
  foreign('another order of results', 'search', ({ search: pageToken }) => ({
    ...tea,
    orderBy: 'createdAt',
    pageToken,
  })),
  foreign('another order', 'history', ({ history: pageToken }) => ({
    orderId: orders.SHIPPED,
    pageToken,
  })),
  ...(['list', 'search', 'history'] as const).flatMap((name): BadCall[] => {
    const ids = { list: { customerId }, search: {}, history: { orderId: orders.PAID } }[name];
    const call = (change: JsonObject) => calls[name]({ ...ids, ...change });
    return [
      { rule: `${name} by -1`, call: call({ pageSize: -1 }), says: invalid('pageSize') },
      {
        rule: `${name} by a page token of 2,001 characters`,
        call: call({ pageToken: 'A'.repeat(2001) }),
        says: invalid('pageToken'),
      },
      {
        rule: `${name} by a page token with U+0000`,
        call: call({ pageToken: 'A\0' }),
        says: invalid('pageToken'),
      },
    ];
  }),
];

const searches: BadCall[] = [
  { rule: 'minTotal alone', call: calls.search({ minTotal: '1' }), says: bad('INVALID_REQUEST') },
  { rule: 'maxTotal alone', call: calls.search({ maxTotal: '1' }), says: bad('INVALID_REQUEST') },
  ...['price', 'createdAt asc', 'total desc; DROP TABLE events', 'TOTAL'].map((orderBy) => ({
    rule: `orderBy ${orderBy}`,
    call: calls.search({ orderBy }),
    says: invalid('orderBy'),
  })),
  {
    rule: 'relevance to nothing',
    call: calls.search({ orderBy: 'relevance' }),
    says: bad('INVALID_REQUEST'),
  },
  { rule: 'customer 7', call: calls.search({ customerId: '7' }), says: invalid('customerId') },
  {
    rule: 'currency usd',
    call: calls.search({ currencyCode: 'usd' }),
    says: invalid('currencyCode'),
  },
  { rule: 'U+0000', call: calls.search({ query: 'tea\0' }), says: invalid('query') },
  {
    rule: '501 characters',
    call: calls.search({ query: 'x'.repeat(501) }),
    says: invalid('query'),
  },
  {
    rule: 'the status that nothing has',
    call: calls.search({ status: ['ORDER_STATUS_UNSPECIFIED'] }),
    says: invalid('status[0]'),
  },
];

const late: Says = {
  reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
  http: 503,
  code: 'ABORTED',
  retryAfter: 1,
};
const lateAt = (currentVersion: string): Says => ({ ...late, metadata: { currentVersion } });

const consistencyToken = (text: string) => ({
  'consistency-token': Buffer.from(text).toString('base64url'),
});

const consistency: BadCall[] = [
  {
    rule: 'version 9 of an order that is at 1',
    call: calls.get({ orderId: orders.PENDING, minVersion: 9 }),
    says: lateAt('1'),
  },
  {
    rule: 'version 1 of no order',
    call: calls.get({ orderId: randomUUID(), minVersion: 1 }),
    says: lateAt('0'),
  },
  {
    rule: 'a write of the future',
    call: calls.get({ orderId: orders.PENDING }),
    // Of every partition, since only the order's own counts.
    headers: {
      'consistency-token': Array.from({ length: 12 }, (_, partition) =>
        Object.values(consistencyToken(`1.${partition}.999999999`)),
      ).join(', '),
    },
    says: lateAt('1'),
  },
  {
    rule: 'a list with a write of the future',
    call: calls.list({ customerId }),
    headers: consistencyToken('1.0.999999999'),
    says: late,
  },
  ...[0, -1].map((minVersion) => ({
    rule: `version ${minVersion}`,
    call: calls.get({ orderId: orders.PENDING, minVersion }),
    says: invalid('minVersion'),
  })),
  ...[
    { 'consistency-token': 'garbage' },
    { 'consistency-token': '%%%' },
    consistencyToken('1.0.9223372036854775808'),
    consistencyToken('1.0.-1'),
    consistencyToken('1.9999.1'),
    consistencyToken('2.0.1'),
  ].map((headers) => ({
    rule: `the consistency token ${headers['consistency-token']}`,
    call: calls.get({ orderId: orders.PENDING }),
    headers,
    says: invalid('consistency-token'),
  })),
];

const lookups: BadCall[] = [
  ...(['get', 'history'] as const).flatMap((name): BadCall[] => [
    {
      rule: `${name} no order`,
      call: calls[name]({ orderId: randomUUID() }),
      says: absent('ORDER_NOT_FOUND'),
    },
    { rule: `${name} 7`, call: calls[name]({ orderId: '7' }), says: invalid('orderId') },
    { rule: `${name} U+0000`, call: calls[name]({ orderId: '\0' }), says: invalid('orderId') },
  ]),
  { rule: 'the orders of 7', call: calls.list({ customerId: '7' }), says: invalid('customerId') },
  {
    rule: 'no customer',
    call: calls.getCustomer({ customerId: other }),
    says: absent('CUSTOMER_NOT_FOUND'),
  },
  { rule: 'customer 7', call: calls.getCustomer({ customerId: '7' }), says: invalid('customerId') },
];

const register = (rule: string, change: JsonObject, says: Says): BadCall => ({
  rule: `a customer ${rule}`,
  call: calls.register({ name: 'Ada Lovelace', email: 'ada@example.com', ...change }),
  says,
});

const customers: BadCall[] = [
  register('without name', { name: '' }, invalid('name')),
  register('of 201 characters', { name: 'x'.repeat(201) }, invalid('name')),
  register('with U+0000', { name: 'A\0da' }, invalid('name')),
  register('without e-mail', { email: '' }, invalid('email')),
  register('with half an e-mail', { email: 'ada' }, invalid('email')),
  register('with id 7', { customerId: '7' }, invalid('customerId')),
  register(
    'who is registered',
    { customerId },
    { reason: 'CUSTOMER_ALREADY_EXISTS', http: 409, code: 'ALREADY_EXISTS' },
  ),
];

/** Queries, and calls of the customer directory, that have to be refused. */
export const badQueries: readonly BadCall[] = [
  ...pages,
  ...searches,
  ...consistency,
  ...lookups,
  ...customers,
];
