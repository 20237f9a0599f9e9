import { randomUUID } from 'node:crypto';
import { Enrichment, partitionOf } from '@ordermesh/contract';
import {
  type CustomerLookup,
  type IncompleteRequest,
  type OrderViewWriter,
  type StoredOrder,
  withCustomer,
} from '@ordermesh/read-model';
import { record, storedOrder } from '@ordermesh/read-model/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ViewStore, viewStore } from '../test/view-store.ts';
import type { Customers } from './customers.ts';
import { repair } from './repair.ts';

const partition = 3;
const signal = new AbortController().signal;
let store: ViewStore;

beforeAll(async () => {
  store = await viewStore();
});
afterAll(() => store?.[Symbol.asyncDispose]());
afterEach(() => store.rows('TRUNCATE order_view'));

// What the customer service says, and what was asked of it and of the store.
let answering: boolean;
let registered: Set<string>;
let lookedUp: string[];
let queries: IncompleteRequest[];
let nowMs: number;

beforeEach(() => {
  answering = true;
  registered = new Set();
  lookedUp = [];
  queries = [];
  nowMs = 1_000_000;
});

const customers: Customers = {
  async lookup(ids) {
    lookedUp.push(...ids);
    const say = (id: string): CustomerLookup => {
      if (!answering) return 'pending';
      return registered.has(id)
        ? record({ order: { customerId: id } } as StoredOrder, 2)
        : 'unknown';
    };
    return new Map(ids.map((id) => [id, say(id)]));
  },
};

function owner() {
  const views: OrderViewWriter = {
    ...store.writer,
    incomplete(request) {
      queries.push(request);
      return store.writer.incomplete(request);
    },
  };
  return repair(partition, views, customers, () => nowMs);
}

function orderIn(wanted = partition): StoredOrder {
  for (;;) {
    const orderId = randomUUID();
    if (partitionOf(orderId, 12) === wanted) return storedOrder({ orderId });
  }
}
const unknown = (stored: StoredOrder) => withCustomer(stored, 'unknown');
const orders = (count: number) => Array.from({ length: count }, () => orderIn());
const register = (...some: readonly StoredOrder[]) => {
  for (const { order } of some) registered.add(order.customerId);
};
const enrichments = async (some: readonly StoredOrder[]) => {
  const stored = await store.writer.load(some.map(({ order }) => order.orderId));
  return some.map(({ order }) => stored.get(order.orderId)?.order.enrichment);
};
const write = (some: readonly StoredOrder[]) => store.writer.writeEnrichment(some);

describe('step()', () => {
  it('asks nobody once it knows that nothing is missing', async () => {
    await write([withCustomer(orderIn(), record(orderIn(), 2))]);
    const own = owner();
    await own.step(signal);
    await own.step(signal);
    expect(queries.map(({ kind }) => kind)).toEqual(['pending', 'unknown']);
    for (let n = 0; n < 100; n++) {
      nowMs += 60_000;
      own.wrote([withCustomer(orderIn(), record(orderIn(), 2))]);
      await own.step(signal);
    }
    expect(queries).toHaveLength(2);
    expect(lookedUp).toEqual([]);
  });

  it('completes what its predecessor left pending, and says which views it completed', async () => {
    const some = orders(3);
    await write(some);
    register(...some);
    const completed = await owner().step(signal);
    const ids = (list: readonly StoredOrder[]) => list.map(({ order }) => order.orderId).sort();
    expect(ids(completed)).toEqual(ids(some));
    expect(completed[0]?.order).toMatchObject({ customerName: 'Ada Lovelace' });
    expect(await enrichments(some)).toEqual(some.map(() => Enrichment.DONE));
  });

  it('tries pending ones at every step until the service answers again', async () => {
    const [order] = orders(1) as [StoredOrder];
    await write([order]);
    register(order);
    answering = false;
    const own = owner();
    for (let n = 0; n < 3; n++) expect(await own.step(signal)).toEqual([]);
    expect(lookedUp).toHaveLength(3);
    answering = true;
    expect(await own.step(signal)).toHaveLength(1);
    expect(await enrichments([order])).toEqual([Enrichment.DONE]);
  });

  it('looks again when it is told of a view that lacks its customer', async () => {
    const own = owner();
    await own.step(signal);
    await own.step(signal);
    const [order] = orders(1) as [StoredOrder];
    await write([order]);
    register(order);
    expect(await own.step(signal)).toEqual([]);
    own.wrote([order]);
    expect(await own.step(signal)).toHaveLength(1);
  });

  it('leaves other partitions to their owners', async () => {
    const foreign = orderIn(4);
    await write([foreign]);
    register(foreign);
    expect(await owner().step(signal)).toEqual([]);
    expect(await enrichments([foreign])).toEqual([Enrichment.PENDING]);
  });

  it('does a hundred at a step', async () => {
    const some = orders(250);
    await write(some);
    register(...some);
    const own = owner();
    const done = [];
    for (let n = 0; n < 3; n++) done.push((await own.step(signal)).length);
    expect(done).toEqual([100, 100, 50]);
    expect(new Set(await enrichments(some))).toEqual(new Set([Enrichment.DONE]));
  });

  it('writes nothing once its partition is lost', async () => {
    const [order] = orders(1) as [StoredOrder];
    await write([order]);
    register(order);
    const lost = new Error('the partition is lost');
    await expect(owner().step(AbortSignal.abort(lost))).rejects.toBe(lost);
    expect(await enrichments([order])).toEqual([Enrichment.PENDING]);
  });
});

describe('step() with customers that the service does not know', () => {
  it('notes that, and completes their orders after their registration', async () => {
    const [order] = orders(1) as [StoredOrder];
    await write([order]);
    const own = owner();
    expect(await own.step(signal)).toHaveLength(1);
    expect(await enrichments([order])).toEqual([Enrichment.CUSTOMER_UNKNOWN]);
    register(order);
    nowMs += 2_000;
    await own.step(signal); // the sweep of pending ones that finds none
    expect(await own.step(signal)).toHaveLength(1);
    expect(await enrichments([order])).toEqual([Enrichment.DONE]);
  });

  it('asks at pauses that double from 2 s to a minute, and again from 2 s for a new one', async () => {
    const own = owner();
    await own.step(signal);
    await own.step(signal); // nothing is missing
    const order = unknown(orderIn());
    await write([order]);
    own.wrote([order]);
    const untilAsked = async () => {
      const before = lookedUp.length;
      const startedAt = nowMs;
      while (lookedUp.length === before) {
        await own.step(signal);
        nowMs += 500;
      }
      return nowMs - 500 - startedAt;
    };
    await untilAsked();
    const pauses: number[] = [];
    for (let n = 0; n < 6; n++) pauses.push((await untilAsked()) + 500);
    expect(pauses).toEqual([4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    const another = unknown(orderIn());
    await write([another]);
    own.wrote([another]);
    expect(await untilAsked()).toBe(2_000);
  });

  it('goes through all of them, a hundred at a step, before it pauses', async () => {
    const some = orders(200).map(unknown);
    await write(some);
    const own = owner();
    await own.step(signal); // pending: none
    for (let n = 0; n < 3; n++) await own.step(signal);
    expect(lookedUp).toHaveLength(200);
    await own.step(signal);
    expect(queries).toHaveLength(4);
  });

  it('does not forget them when others become pending in the middle of it', async () => {
    const some = orders(100).map(unknown);
    await write(some);
    const own = owner();
    await own.step(signal); // pending: none
    await own.step(signal); // the first hundred unknown, and perhaps more
    const fresh = orderIn();
    await write([fresh]);
    own.wrote([fresh]);
    register(fresh);
    await own.step(signal); // pending: one
    await own.step(signal); // pending: none
    await own.step(signal); // unknown: no more
    register(...some);
    nowMs += 60_000;
    expect(await own.step(signal)).toHaveLength(100);
  });
});
