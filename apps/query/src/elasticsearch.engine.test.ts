// Two stores: a node of its own, which hangs and dies, and a database that is taken away.
import { randomUUID } from 'node:crypto';
import { type Elasticsearch, startElasticsearch } from '@ordermesh/engines';
import {
  elasticsearchProjection,
  elasticsearchViewWriter,
  type OrderViewWriter,
  postgresAnnouncer,
  prepareElasticsearchView,
  redisViewCache,
  type StoredOrder,
  viewOrigin,
} from '@ordermesh/read-model';
import { storedOrder } from '@ordermesh/read-model/testing';
import {
  callingAs,
  databaseOutage,
  eventually,
  isMissing,
  type TestDatabase,
  testRedis,
} from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  afterWrites,
  batchOf,
  refusal,
  rpc,
  type ServedQuery,
  serveQuery,
  viewDatabase,
} from '../test/serve-query.ts';
import { elasticsearchStore } from './elasticsearch-store.ts';
import { readCache } from './read-cache.ts';
import { guardedElasticsearch, redisPolicy } from './store-policies.ts';

describe.skipIf(isMissing('elasticsearch'))('queries with Elasticsearch', () => {
  const opened = new AsyncDisposableStack();
  let database: TestDatabase;
  let node: Elasticsearch;
  let indexed: OrderViewWriter;
  let query: ServedQuery;
  beforeAll(async () => {
    [database, node] = await Promise.all([viewDatabase(), startElasticsearch()]);
    opened.use(database);
    opened.use(node);
    const { url } = node;
    await prepareElasticsearchView({ url }, AbortSignal.timeout(60_000));
    const onError = () => undefined; // the tests cut connections
    const announcer = postgresAnnouncer({
      url: database.url,
      projection: elasticsearchProjection,
      name: 'test-announcer',
      onError,
    });
    const { announce } = opened.use(announcer);
    indexed = opened.use(elasticsearchViewWriter({ url, announce, timeoutMs: 60_000 }));
    const store = elasticsearchStore(guardedElasticsearch(url), database.url, onError);
    query = opened.use(await serveQuery(database.url, 25_000, opened.use(store)));
  }, 240_000);
  afterAll(() => opened.disposeAsync());

  let position = 0n;
  const newOrder = (customerId: string = randomUUID()) =>
    storedOrder({ customerId, firstPosition: ++position, items: ['blue lamp'] });
  /** In both stores. */
  async function written(customerId?: string): Promise<StoredOrder> {
    const stored = newOrder(customerId);
    await query.views.write(batchOf(stored));
    await indexed.write(batchOf(stored));
    return stored;
  }
  const tokenOf = ({ partition, order }: StoredOrder) => afterWrites([partition, order.position]);
  const degraded = ({ headers }: { headers: ReadonlyMap<string, string> }) =>
    headers.get('x-ordermesh-degraded');
  /** After an outage, when the circuit has closed again. */
  const healed = () =>
    eventually(async () => degraded(await query.call(rpc.searchOrders, {})) === undefined, {
      withinMs: 60_000,
    });

  it('searches Elasticsearch, and looks up in PostgreSQL', async () => {
    const customerId = randomUUID();
    const [inIndex, inTable] = [newOrder(customerId), newOrder(customerId)];
    await indexed.write(batchOf(inIndex));
    await query.views.write(batchOf(inTable));
    const found = await query.call(rpc.searchOrders, { customerId }, tokenOf(inIndex));
    expect(found.message.orders).toEqual([inIndex.order]);
    const listed = await query.call(rpc.listOrders, { customerId }, tokenOf(inTable));
    expect(listed.message.orders).toEqual([inTable.order]);
    const one = await query.call(rpc.getOrder, { orderId: inTable.order.orderId });
    expect(one.message.order).toEqual(inTable.order);
    expect([found, listed, one].map(degraded)).toEqual([undefined, undefined, undefined]);
  });

  it('finds a write by its token, before the index would show it, also one that is still to come', async () => {
    for (let i = 0; i < 10; i++) {
      const stored = newOrder();
      const { customerId } = stored.order;
      const search = () => query.call(rpc.searchOrders, { customerId }, tokenOf(stored));
      const early = search();
      await indexed.write(batchOf(stored));
      expect((await early).message.orders).toEqual([stored.order]);
      expect((await search()).message.orders).toEqual([stored.order]);
    }
  });

  it('shows callers what is theirs only, in Elasticsearch, in PostgreSQL, and where one stands in for the other', async () => {
    const own = await written();
    const foreign = await written();
    const { customerId } = own.order;
    const seeing = (...writes: StoredOrder[]) => ({
      metadata: {
        ...callingAs(customerId, 'orders:read'),
        ...afterWrites(
          ...writes.map(({ partition, order }): [number, bigint] => [partition, order.position]),
        ).metadata,
      },
    });
    const both = seeing(own, foreign);
    const found = await query.call(rpc.searchOrders, { query: 'blue' }, both);
    expect([found.message.orders, degraded(found)]).toEqual([[own.order], undefined]);
    const theirs = { customerId: foreign.order.customerId };
    expect((await query.call(rpc.searchOrders, theirs, both)).message.orders).toEqual([]);
    const outage = databaseOutage(database);
    await outage.begin();
    try {
      const one = await query.call(rpc.getOrder, { orderId: own.order.orderId }, seeing(own));
      expect([one.message.order, degraded(one)]).toEqual([own.order, 'postgresql']);
      const { orderId } = foreign.order;
      for (const id of [orderId, randomUUID()])
        expect(await refusal(query.call(rpc.getOrder, { orderId: id }, seeing()))).toMatchObject({
          reason: 'ORDER_NOT_FOUND',
          metadata: {},
        });
    } finally {
      await outage.end();
    }
  });

  it('answers searches from PostgreSQL while Elasticsearch hangs, flagged', async () => {
    const stored = await written();
    const { customerId } = stored.order;
    process.kill(node.pid, 'SIGSTOP');
    try {
      for (let i = 0; i < 5; i++) {
        const found = await query.call(rpc.searchOrders, { customerId }, tokenOf(stored));
        expect(found.message.orders).toEqual([stored.order]);
        expect(degraded(found)).toBe('elasticsearch');
      }
    } finally {
      process.kill(node.pid, 'SIGCONT');
    }
    await healed();
  });

  it('continues pages in PostgreSQL when Elasticsearch is gone, but none by relevance', async () => {
    const customerId = randomUUID();
    const first = await written(customerId);
    const second = await written(customerId);
    const tokens = afterWrites(
      [first.partition, first.order.position],
      [second.partition, second.order.position],
    );
    const byTotal = { customerId, pageSize: 1, orderBy: 'total' };
    const byRelevance = { ...byTotal, query: 'lamp', orderBy: 'relevance' };
    const [total, relevance] = await Promise.all(
      [byTotal, byRelevance].map(
        async (request) => (await query.call(rpc.searchOrders, request, tokens)).message,
      ),
    );
    const next = (message = total) => ({ pageToken: message?.nextPageToken ?? '' });
    let inTable: NonNullable<typeof relevance>;
    await node.kill();
    try {
      const rest = await query.call(rpc.searchOrders, { ...byTotal, ...next(total) });
      expect([...(total?.orders ?? []), ...rest.message.orders].map((o) => o.orderId)).toEqual(
        [first, second].map(({ order }) => order.orderId).sort(),
      );
      expect(degraded(rest)).toBe('elasticsearch');
      const refused = await refusal(
        query.call(rpc.searchOrders, { ...byRelevance, ...next(relevance) }),
      );
      expect(refused).toMatchObject({ reason: 'DEPENDENCY_UNAVAILABLE' });
      expect(refused.message).toContain('start without a page token');
      inTable = (await query.call(rpc.searchOrders, byRelevance)).message;
    } finally {
      await node.restart();
    }
    await healed();
    // Ranked by PostgreSQL, continued by it, though Elasticsearch is back.
    const continued = await query.call(rpc.searchOrders, { ...byRelevance, ...next(inTable) });
    expect([...inTable.orders, ...continued.message.orders]).toHaveLength(2);
    expect(degraded(continued)).toBeUndefined();
  });

  it('answers single orders and lists from Elasticsearch while PostgreSQL is gone, flagged', async () => {
    const stored = await written();
    const { orderId, customerId } = stored.order;
    const outage = databaseOutage(database);
    await outage.begin();
    try {
      const one = await query.call(rpc.getOrder, { orderId, minVersion: 1 }, tokenOf(stored));
      expect(one.message.order).toEqual(stored.order);
      const list = await query.call(rpc.listOrders, { customerId }, tokenOf(stored));
      expect(list.message.orders).toEqual([stored.order]);
      expect([one, list].map(degraded)).toEqual(['postgresql', 'postgresql']);
    } finally {
      await outage.end();
    }
  });

  it.skipIf(isMissing('redis'))(
    'answers from Elasticsearch rather than from an expired entry of the cache, and caches no such answer',
    async () => {
      const stored = await written();
      const { orderId } = stored.order;
      const origin = await viewOrigin(database.url, 'test');
      const connection = { url: (await testRedis()).url, name: 'test', onError: () => undefined };
      const cache = redisViewCache({ origin, ...connection });
      await eventually(() => cache.put([stored], new AbortController().signal));
      await using reads = readCache(cache, 0, redisPolicy()); // never fresh
      await using store = elasticsearchStore(
        guardedElasticsearch(node.url),
        database.url,
        () => undefined,
      );
      const fills: StoredOrder[] = [];
      const watched = { ...reads, fill: (filled: StoredOrder) => void fills.push(filled) };
      await using cached = await serveQuery(database.url, 25_000, store, watched);
      const outage = databaseOutage(database);
      await outage.begin();
      try {
        const one = await cached.call(rpc.getOrder, { orderId });
        expect(one.message.order).toEqual(stored.order);
        expect([degraded(one), one.headers.get('x-ordermesh-stale')]).toEqual([
          'postgresql',
          undefined,
        ]);
        expect(fills).toEqual([]);
      } finally {
        await outage.end();
      }
    },
  );
});
