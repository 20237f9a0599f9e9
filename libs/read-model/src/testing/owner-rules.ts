import { randomUUID } from 'node:crypto';
import type { BusMessage } from '@ordermesh/contract';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deadLetter } from '../dead-letter.ts';
import { type Keyset, type OrderPage, orderBys } from '../order-view-reader.ts';
import type { StoredOrder } from '../stored-order.ts';
import { orderMessages } from './order-messages.ts';
import { storedOrder, storedStates } from './stored-orders.ts';
import { batch, never, type OpenViewStore, put, type ViewStore } from './view-store.ts';

const [ada, bob] = [randomUUID(), randomUUID()];

/** Taking turns in every order by time, total and relevance, so that whoever filters after reading a page gets half-empty ones. */
const dataset = Array.from({ length: 12 }, (_, i) =>
  storedOrder({
    customerId: i % 2 === 0 ? ada : bob,
    createdAtMicros: 1_700_000_000_000_000n + BigInt(i),
    total: BigInt(100 + i),
    items: ['amber lamp'],
  }),
);
const idsOf = (orders: readonly { readonly orderId: string }[]) =>
  orders.map(({ orderId }) => orderId).sort();
const hers = idsOf(dataset.flatMap(({ order }) => (order.customerId === ada ? [order] : [])));

/** Whose orders a read shows. */
export function ownerRules(open: OpenViewStore): void {
  describe('for an owner', () => {
    let store: ViewStore;
    const [first] = dataset as [StoredOrder];
    const { orderId } = first.order;
    beforeAll(async () => {
      store = await open();
      await put(store, dataset);
    });
    afterAll(() => store[Symbol.asyncDispose]());

    test('a view is there for them and for everybody, and for nobody else', async () => {
      const get = (owner: string | undefined) => store.reader.get(orderId, owner, never);
      expect(await Promise.all([ada, undefined].map(get))).toEqual([first, first]);
      expect(await Promise.all([bob, randomUUID(), 'ann', ''].map(get))).toEqual(
        Array(4).fill(undefined),
      );
    });

    /** What each page holds: two orders, as long as there are any. */
    async function pages(next: (after: Keyset | undefined, limit: number) => Promise<OrderPage>) {
      const all: string[][] = [];
      let after: Keyset | undefined;
      do {
        const page = await next(after, 2);
        all.push(page.orders.map((order) => order.orderId));
        after = page.next;
      } while (after !== undefined && all.length < 20);
      return all;
    }

    test('a list has whole pages of theirs, and of another customer nothing', async () => {
      const list = (customerId: string, owner: string | undefined) =>
        pages((after, limit) => store.reader.list({ customerId, owner, limit, after }, never));
      expect((await list(ada, ada)).map((page) => page.length)).toEqual([2, 2, 2]);
      expect((await list(ada, ada)).flat().sort()).toEqual(hers);
      expect(await list(ada, undefined)).toEqual(await list(ada, ada));
      for (const owner of [bob, randomUUID(), 'ann']) expect(await list(ada, owner)).toEqual([[]]);
    });

    test.each(orderBys)('a search by %s has whole pages of theirs', async (orderBy) => {
      const search = (owner: string | undefined, customerId?: string) =>
        pages((after, limit) =>
          store.reader.search({ owner, customerId, query: 'amber', orderBy, limit, after }, never),
        );
      const found = await search(ada);
      expect(found.map((page) => page.length)).toEqual([2, 2, 2]);
      expect(found.flat().sort()).toEqual(hers);
      expect(await search(ada, ada)).toEqual(found);
      expect((await search(undefined)).flat()).toHaveLength(12);
      expect(await search(ada, bob)).toEqual([[]]);
      for (const owner of [randomUUID(), 'ann']) expect(await search(owner)).toEqual([[]]);
    });

    test('a parked order is parked once its view tells that it is theirs', async () => {
      const [created, confirmed] = orderMessages({
        customerId: ada,
        firstPosition: 70n,
        later: ['OrderConfirmed'],
      }) as [BusMessage, BusMessage];
      const { key, partition } = created;
      const parkedAt = new Date();
      const fault = { errorClass: 'undecodable', detail: 'x', attempts: 3, parkedAt };
      const dead = [deadLetter(confirmed, fault)];
      await store.writer.write(batch(partition, 71n, { dead }));
      await store.settle();
      const parked = (owner: string | undefined) =>
        store.reader.parkedOrder(partition, key, owner, never);
      const whole = { position: 71n, version: 2 };
      expect(await Promise.all([undefined, ada, bob].map(parked))).toEqual([
        whole,
        undefined,
        undefined,
      ]);
      await put(store, [storedOrder({ orderId: key, customerId: ada })]);
      expect(await Promise.all([undefined, ada, bob, 'ann'].map(parked))).toEqual([
        whole,
        whole,
        undefined,
        undefined,
      ]);
    });

    test('the wait for a version of another customer’s order never ends', async () => {
      await using notifier = store.notifier(3_600_000);
      const [created, confirmed] = storedStates({
        customerId: ada,
        firstPosition: 80n,
        later: ['OrderConfirmed'],
      }) as [StoredOrder, StoredOrder];
      const { partition } = created;
      const gone = new AbortController();
      const wanted = (owner: string | undefined) =>
        notifier.forOrder(
          { orderId: created.order.orderId, owner, partition, minVersion: 2 },
          gone.signal,
        );
      const others = [bob, 'ann'].map((owner) => wanted(owner).catch((error: unknown) => error));
      const own = [ada, undefined].map(wanted);
      await eventually(() => notifier.waiting === 4);
      await store.writer.write(batch(partition, 81n, { orders: [confirmed] }));
      expect(await Promise.all(own)).toEqual([confirmed, confirmed]);
      await eventually(() => notifier.waiting === 2);
      const reason = new Error('deadline');
      gone.abort(reason);
      expect(await Promise.all(others)).toEqual([reason, reason]);
    });
  });
}
