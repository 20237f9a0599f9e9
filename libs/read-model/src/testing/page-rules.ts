import { randomUUID } from 'node:crypto';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { type Order, OrderStatus } from '@ordermesh/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ceilMicrosOf, microsOf } from '../created-micros.ts';
import { type Keyset, type OrderPage, orderBys, type SearchOrders } from '../order-view-reader.ts';
import { storedOrder } from './stored-orders.ts';
import { never, type OpenViewStore, put, type ViewStore } from './view-store.ts';

const now = 1_700_000_000_000_000n;
const customers = [randomUUID(), randomUUID()];
const pick = <T>(values: readonly T[], index: number) => values[index % values.length] as T;

/** 40 orders: four times (two of them a microsecond apart), three totals, two currencies, three states, two customers, so ties everywhere. */
const dataset = Array.from({ length: 40 }, (_, i) =>
  storedOrder({
    customerId: pick(customers, i),
    createdAtMicros: now + pick([0n, 1n, 1000n, -5_000_001n], i >> 1),
    total: pick([100n, 2n ** 53n + 1n, 2n ** 53n], i >> 2),
    currencyCode: pick(['EUR', 'USD'], i >> 3),
    items: pick([['blue lamp'], ['blue blue chair'], ['a rather long blue name']], i),
    later: pick([[], ['OrderConfirmed'], ['OrderCancelled']] as const, i),
  }),
);

/** Lists and searches: sorts, ties, filters, pages. */
export function pageRules(open: OpenViewStore): void {
  describe('pages', () => {
    let store: ViewStore;
    beforeAll(async () => {
      store = await open();
      await put(store, dataset);
    });
    afterAll(() => store[Symbol.asyncDispose]());

    const search = (request: Partial<SearchOrders>) =>
      pages(
        (after, limit) =>
          store.reader.search(
            { owner: undefined, orderBy: 'createdAt desc', ...request, limit, after },
            never,
          ),
        request.limit ?? 100,
      );

    describe.each(orderBys.filter((orderBy) => orderBy !== 'relevance'))('by %s', (orderBy) => {
      const expected = ids([...all()].sort(comparison(orderBy)));
      test.each([1, 7, 40, 100])(
        'gives every order once in its place, %i per page',
        async (limit) => {
          expect(ids(await search({ orderBy, limit }))).toEqual(expected);
        },
      );
    });

    test('gives every match once by relevance, best first', async () => {
      const whole = ids(await search({ query: 'blue', orderBy: 'relevance' }));
      expect(ids(await search({ query: 'blue', orderBy: 'relevance', limit: 3 }))).toEqual(whole);
      expect([...whole].sort()).toEqual(ids(all()).sort());
      const chairs = all().filter((order) => order.items[0]?.productName === 'blue blue chair');
      expect(whole.slice(0, chairs.length).sort()).toEqual(ids(chairs).sort());
    });

    test('has no next page after exactly one full page', async () => {
      const page = await store.reader.search(
        { owner: undefined, orderBy: 'total', limit: 40 },
        never,
      );
      expect([page.orders.length, page.next]).toEqual([40, undefined]);
    });

    test.each([1, 6, 100])('lists a customer, newest first, %i per page', async (limit) => {
      const customerId = pick(customers, 1);
      const listed = await pages(
        (after, limit) => store.reader.list({ owner: undefined, customerId, limit, after }, never),
        limit,
      );
      const his = all().filter((order) => order.customerId === customerId);
      expect(ids(listed)).toEqual(ids(his.sort(comparison('createdAt desc'))));
    });

    test.each(filters())('filters by %s', async (_, request, holds) => {
      const expected = all().filter(holds).sort(comparison('createdAt desc'));
      expect(ids(await search(request))).toEqual(ids(expected));
      expect(ids(await search({ ...request, limit: 2 }))).toEqual(ids(expected));
    });

    test('pages are complete though orders that were seen move on in between', async () => {
      const first = await store.reader.search(
        { owner: undefined, orderBy: 'total', limit: 20 },
        never,
      );
      await put(store, [storedOrder({ total: 1n, createdAtMicros: now - 9_000_000n })]);
      const rest = await pages(
        (after, limit) =>
          store.reader.search(
            { owner: undefined, orderBy: 'total', limit, after: after ?? first.next },
            never,
          ),
        20,
      );
      expect([...ids(first.orders), ...ids(rest)].sort()).toEqual(ids(all()).sort());
    });

    test('pages by relevance are complete though better matches are written in between', async () => {
      const request = { owner: undefined, query: 'blue', orderBy: 'relevance', limit: 20 } as const;
      const whole = ids(await search(request));
      const first = await store.reader.search(request, never);
      const better = { items: ['blue blue blue blue'] };
      await put(
        store,
        Array.from({ length: 50 }, () => storedOrder(better)),
      );
      const rest = await pages(
        (after, limit) =>
          store.reader.search({ ...request, limit, after: after ?? first.next }, never),
        20,
      );
      expect([...ids(first.orders), ...ids(rest)]).toEqual(whole);
    });
  });
}

async function pages(
  next: (after: Keyset | undefined, limit: number) => Promise<OrderPage>,
  limit: number,
): Promise<Order[]> {
  const orders: Order[] = [];
  let after: Keyset | undefined;
  do {
    const page = await next(after, limit);
    expect(page.orders.length).toBeLessThanOrEqual(limit);
    orders.push(...page.orders);
    after = page.next;
  } while (after !== undefined && orders.length < 1000);
  return orders;
}

const all = () => dataset.map((stored) => stored.order);
const ids = (orders: readonly Order[]) => orders.map((order) => order.orderId);
const createdMicros = (order: Order) => microsOf(order.createdAt as Timestamp);
const total = (order: Order) => order.total?.minorUnits ?? 0n;
const at = (micros: bigint, nanos = 0): Timestamp => ({
  $typeName: 'google.protobuf.Timestamp',
  seconds: micros / 1_000_000n,
  nanos: Number(micros % 1_000_000n) * 1000 + nanos,
});

function comparison(orderBy: SearchOrders['orderBy']) {
  const value = orderBy.startsWith('total') ? total : createdMicros;
  const sign = orderBy.endsWith('desc') ? -1 : 1;
  return (a: Order, b: Order) => {
    if (value(a) !== value(b)) return value(a) < value(b) ? -sign : sign;
    return a.orderId < b.orderId ? -1 : 1;
  };
}

type Filter = [string, Partial<SearchOrders>, (order: Order) => boolean];

function filters(): Filter[] {
  const customerId = pick(customers, 0);
  const { CONFIRMED, CANCELLED, PAID } = OrderStatus;
  const justAfter = at(now, 1);
  return [
    ['status', { status: [CONFIRMED] }, (o) => o.status === CONFIRMED],
    ['several states', { status: [CONFIRMED, CANCELLED] }, (o) => o.status !== OrderStatus.PENDING],
    ['a state that no order has', { status: [PAID] }, () => false],
    ['no state at all', { status: [] }, () => true],
    ['customer', { customerId }, (o) => o.customerId === customerId],
    ['time from', { createdAfter: at(now + 1n) }, (o) => createdMicros(o) > now],
    ['time before', { createdBefore: at(now + 1n) }, (o) => createdMicros(o) <= now],
    [
      'time from, to the nanosecond',
      { createdAfter: justAfter },
      (o) => createdMicros(o) >= ceilMicrosOf(justAfter),
    ],
    [
      'time before, to the nanosecond',
      { createdBefore: justAfter },
      (o) => createdMicros(o) <= now,
    ],
    ['a time beyond all times', { createdBefore: at(1n << 82n) }, () => true],
    ['a time before all times', { createdAfter: at(-(1n << 82n)) }, () => true],
    ['currency', { currencyCode: 'USD' }, (o) => o.total?.currencyCode === 'USD'],
    ['least total', { minTotal: 2n ** 53n + 1n }, (o) => total(o) > 2n ** 53n],
    ['greatest total', { maxTotal: 2n ** 53n }, (o) => total(o) <= 2n ** 53n],
    ['words', { query: 'CHAIR' }, (o) => o.items[0]?.productName === 'blue blue chair'],
    [
      'everything together',
      {
        query: 'blue',
        status: [CONFIRMED, CANCELLED],
        customerId,
        createdAfter: at(now),
        createdBefore: at(now + 1_000_000n),
        minTotal: 100n,
        maxTotal: 2n ** 53n,
        currencyCode: 'EUR',
      },
      (o) =>
        o.status !== OrderStatus.PENDING &&
        o.customerId === customerId &&
        createdMicros(o) >= now &&
        total(o) <= 2n ** 53n &&
        o.total?.currencyCode === 'EUR',
    ],
  ];
}
