import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type ListOrdersRequestSchema,
  type Order,
  OrderStatus,
  partitionOf,
  type SearchOrdersRequestSchema,
} from '@ordermesh/contract';
import { deadLetter, type StoredOrder } from '@ordermesh/read-model';
import { orderMessages, storedOrder } from '@ordermesh/read-model/testing';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  afterWrites,
  batchOf,
  partitions,
  refusal,
  rpc,
  type ServedQuery,
  serveQuery,
  viewDatabase,
} from '../test/serve-query.ts';

let database: TestDatabase;
let query: ServedQuery;

beforeAll(async () => {
  database = await viewDatabase();
  query = await serveQuery(database.url, 25_000);
});

afterAll(async () => {
  await query?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const list = async (
  request: MessageInitShape<typeof ListOrdersRequestSchema>,
  options = {},
  on = query,
) => (await on.call(rpc.listOrders, request, options)).message;
const search = async (
  request: MessageInitShape<typeof SearchOrdersRequestSchema>,
  options = {},
  on = query,
) => (await on.call(rpc.searchOrders, request, options)).message;

const micros = BigInt(Date.UTC(2026, 0, 2)) * 1000n;
let position = 0n;

/** Writes so many orders of one customer, a second apart, and returns their ids, newest first. */
async function ordersOf(customerId: string, count: number, item = 'Lamp'): Promise<string[]> {
  const orders = Array.from({ length: count }, (_, n) =>
    storedOrder({
      customerId,
      items: [item],
      total: 1000n + BigInt(n),
      firstPosition: ++position,
      createdAtMicros: micros + BigInt(n) * 1_000_000n,
    }),
  );
  await query.views.writeEnrichment(orders);
  return orders.map(({ order }) => order.orderId).reverse();
}

const ids = (orders: readonly Order[]) => orders.map(({ orderId }) => orderId);

/** Follows the page tokens to the end. */
async function pages(
  next: (pageToken: string) => Promise<{ orders: Order[]; nextPageToken: string }>,
): Promise<string[][]> {
  const seen: string[][] = [];
  for (let pageToken = ''; ; ) {
    const { orders, nextPageToken } = await next(pageToken);
    seen.push(ids(orders));
    if (nextPageToken === '') return seen;
    pageToken = nextPageToken;
  }
}

describe('ListOrders', () => {
  it('shows every order of a customer once, newest first, page by page', async () => {
    const customerId = randomUUID();
    await ordersOf(randomUUID(), 2);
    const newestFirst = await ordersOf(customerId, 5);
    const seen = await pages((pageToken) => list({ customerId, pageSize: 2, pageToken }));
    expect(seen).toEqual([newestFirst.slice(0, 2), newestFirst.slice(2, 4), newestFirst.slice(4)]);
  });

  it('answers nothing for a customer without orders', async () => {
    expect(await list({ customerId: randomUUID() })).toMatchObject({
      orders: [],
      nextPageToken: '',
    });
  });

  it('takes 0 for 20 and everything above 100 for 100', async () => {
    const customerId = randomUUID();
    await ordersOf(customerId, 105);
    expect((await list({ customerId })).orders).toHaveLength(20);
    expect((await list({ customerId, pageSize: 1000 })).orders).toHaveLength(100);
    expect((await refusal(list({ customerId, pageSize: -1 }))).reason).toBe('INVALID_REQUEST');
  });

  it('refuses a token of another customer, another method, another key, or damaged', async () => {
    const customerId = randomUUID();
    const other = randomUUID();
    await ordersOf(customerId, 3);
    await ordersOf(other, 3);
    const own = (await list({ customerId, pageSize: 1 })).nextPageToken;
    for (const pageToken of [
      (await list({ customerId: other, pageSize: 1 })).nextPageToken,
      (await search({ customerId, pageSize: 1 })).nextPageToken,
      `${own.startsWith('A') ? 'B' : 'A'}${own.slice(1)}`,
      'x',
    ])
      expect(await refusal(list({ customerId, pageToken }))).toMatchObject({
        reason: 'PAGE_TOKEN_INVALID',
        code: 'INVALID_ARGUMENT',
        fields: [expect.objectContaining({ field: 'page_token' })],
      });
  });
});

describe('SearchOrders', () => {
  it('shows every match once, page by page, in the order that was asked for', async () => {
    const word = `w${randomUUID().slice(0, 8)}`;
    const newestFirst = await ordersOf(randomUUID(), 5, `${word} Lamp`);
    await ordersOf(randomUUID(), 2);
    for (const [orderBy, expected] of [
      ['', newestFirst],
      ['createdAt desc', newestFirst],
      ['createdAt', newestFirst.toReversed()],
      ['total', newestFirst.toReversed()],
      ['total desc', newestFirst],
      ['relevance', undefined],
    ] as const) {
      const seen = await pages((pageToken) =>
        search({ query: word, orderBy, pageSize: 2, pageToken }),
      );
      expect(seen.map(({ length }) => length)).toEqual([2, 2, 1]);
      if (expected) expect(seen.flat()).toEqual(expected);
      else expect(new Set(seen.flat())).toEqual(new Set(newestFirst));
    }
  });

  it('passes its filters on', async () => {
    const customerId = randomUUID();
    const [third, second, first] = await ordersOf(customerId, 3);
    const at = (seconds: number) => ({ seconds: micros / 1_000_000n + BigInt(seconds) });
    const found = async (filter: MessageInitShape<typeof SearchOrdersRequestSchema>) =>
      ids((await search({ customerId, ...filter })).orders);
    expect(await found({ createdAfter: at(1) })).toEqual([third, second]);
    expect(await found({ createdBefore: at(1) })).toEqual([first]);
    expect(await found({ minTotal: 1001n, currencyCode: 'EUR' })).toEqual([third, second]);
    expect(await found({ maxTotal: 1001n, currencyCode: 'EUR' })).toEqual([second, first]);
    expect(await found({ currencyCode: 'USD' })).toEqual([]);
    expect(await found({ status: [OrderStatus.PENDING] })).toHaveLength(3);
    expect(await found({ status: [OrderStatus.PAID] })).toEqual([]);
    expect(await found({ query: 'lamp' })).toHaveLength(3);
  });

  it('refuses a token under other filters or another order, and takes it under the same', async () => {
    const customerId = randomUUID();
    await ordersOf(customerId, 3);
    const filters = {
      customerId,
      query: 'lamp',
      status: [OrderStatus.PENDING, OrderStatus.PAID],
      createdAfter: { seconds: 1n },
      createdBefore: { seconds: 4_000_000_000n },
      minTotal: 1n,
      maxTotal: 1_000_000n,
      currencyCode: 'EUR',
    };
    const { nextPageToken: pageToken } = await search({ ...filters, pageSize: 1 });
    for (const change of [
      { customerId: randomUUID() },
      { query: 'lamps' },
      { status: [OrderStatus.PENDING] },
      { createdAfter: { seconds: 1n, nanos: 1000 } },
      { createdBefore: { seconds: 4_000_000_001n } },
      { minTotal: 2n },
      { maxTotal: 1_000_001n },
      { currencyCode: 'USD' },
      { orderBy: 'total' },
    ])
      expect((await refusal(search({ ...filters, ...change, pageToken }))).reason).toBe(
        'PAGE_TOKEN_INVALID',
      );
    const same = { ...filters, status: filters.status.toReversed(), orderBy: 'createdAt desc' };
    expect((await search({ ...same, pageToken })).orders).toHaveLength(2);
  });

  it.each([
    ['a bound on the total without a currency', { minTotal: 1n }],
    ['relevance without a query', { orderBy: 'relevance' }],
    ['an order that there is not', { orderBy: 'status' }],
    ['a negative page size', { pageSize: -1 }],
    ['a status that there is not', { status: [99 as OrderStatus] }],
  ])('refuses %s', async (_, request) => {
    expect(await refusal(search(request))).toMatchObject({
      reason: 'INVALID_REQUEST',
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe.each(['ListOrders', 'SearchOrders'])('%s with consistency tokens', (method) => {
  const ask = (customerId: string, options: object, on = query) =>
    method === 'ListOrders'
      ? list({ customerId }, options, on)
      : search({ customerId }, options, on);

  /** An order of its own partition that is in no view yet. */
  const unwritten = (customerId: string, partition: number): StoredOrder => {
    for (;;) {
      const orderId = randomUUID();
      if (partitionOf(orderId, partitions) === partition)
        return storedOrder({ orderId, customerId, firstPosition: ++position });
    }
  };

  it('answers when the view contains all of the writes', async () => {
    const customerId = randomUUID();
    const first = unwritten(customerId, 1);
    const second = unwritten(customerId, 2);
    const writes = afterWrites([1, first.order.position], [2, second.order.position]);
    const answer = ask(customerId, writes);
    await eventually(() => query.notifier.waiting > 0);
    await query.views.write(batchOf(first));
    await eventually(() => query.notifier.waiting === 1);
    await query.views.write(batchOf(second));
    expect((await answer).orders).toHaveLength(2);
    expect((await ask(customerId, writes)).orders).toHaveLength(2);
  });

  it('says when the view does not get there in time', async () => {
    await using hasty = await serveQuery(database.url, 200);
    const customerId = randomUUID();
    const error = await refusal(ask(customerId, afterWrites([3, 2n ** 62n]), hasty));
    expect(error).toMatchObject({
      reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
      code: 'ABORTED',
      retryAfterMs: 1000,
    });
  });

  it('answers ORDER_PARKED when one of the writes is parked', async () => {
    const orderId = randomUUID();
    const [message] = orderMessages({ orderId, firstPosition: ++position });
    const fault = { errorClass: 'undecodable', detail: 'x', attempts: 1, parkedAt: new Date() };
    const dead = [deadLetter(message as never, fault)];
    const partition = partitionOf(orderId, partitions);
    await query.views.write({ partition, position, orders: [], dead });
    const error = await refusal(ask(randomUUID(), afterWrites([partition, position])));
    expect(error).toMatchObject({ reason: 'ORDER_PARKED', code: 'FAILED_PRECONDITION' });
  });

  it('refuses what is no token', async () => {
    const metadata = { 'consistency-token': 'x' };
    expect((await refusal(ask(randomUUID(), { metadata }))).reason).toBe('INVALID_REQUEST');
  });
});
