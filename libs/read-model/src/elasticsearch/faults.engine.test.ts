// Answers that a busy, broken or wrongly prepared cluster gives.
import { eventually, isMissing } from '@ordermesh/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deadLetter } from '../dead-letter.ts';
import type { OrderViewReader } from '../order-view-reader.ts';
import type { OrderViewWriter } from '../order-view-writer.ts';
import { postgresViewNotifier } from '../postgres/notifier.ts';
import { RefusedViewsError } from '../refused-views-error.ts';
import type { StoredOrder } from '../stored-order.ts';
import { orderMessages } from '../testing/order-messages.ts';
import { storedOrder, storedStates } from '../testing/stored-orders.ts';
import { batch, never } from '../testing/view-store.ts';
import { ViewsLostError } from '../views-lost-error.ts';
import { ElasticsearchUnavailableError, isElasticsearchPassing } from './errors.ts';
import { viewIndices } from './indices.ts';
import { type ElasticsearchTestStore, openElasticsearchStore } from './open-test-store.ts';
import { elasticsearchViewReader } from './reader.ts';
import { type ProxiedRequest, type ScriptedProxy, startScriptedProxy } from './scripted-proxy.ts';
import { elasticsearchViewWriter } from './writer.ts';

describe.skipIf(isMissing('elasticsearch'))('Elasticsearch', () => {
  let store: ElasticsearchTestStore;
  let proxy: ScriptedProxy;
  let writer: OrderViewWriter;
  let reader: OrderViewReader;
  const opened = new AsyncDisposableStack();
  beforeAll(async () => {
    store = opened.use(await openElasticsearchStore());
    proxy = opened.use(await startScriptedProxy(store.url));
    const options = { url: proxy.url, projection: store.projection, timeoutMs: 30_000 };
    writer = opened.use(elasticsearchViewWriter(options));
    reader = opened.use(elasticsearchViewReader(options));
  });
  beforeEach(() => {
    proxy.script = () => undefined;
  });
  afterAll(() => opened.disposeAsync());

  const isBulk = ({ path }: ProxiedRequest) => path.includes('/_bulk?');
  const busy = {
    status: 429,
    error: { type: 'es_rejected_execution_exception', reason: 'queue is full' },
  };
  test('looks at every item of a bulk: sends a rejected one again, takes a newer one as done, reports one that does not fit', async () => {
    const orders = Array.from({ length: 200 }, () => storedOrder());
    const [old, newer] = storedStates({ later: ['OrderCancelled'] }) as [StoredOrder, StoredOrder];
    // No `integer` can hold this partition.
    const unfit = { ...(orders[7] as StoredOrder), partition: 2 ** 40 };
    await store.writer.writeEnrichment([newer]);
    orders[7] = unfit;
    orders[8] = old;
    const rejected = orders[9] as StoredOrder;
    const sent: number[] = [];
    proxy.script = (request) => {
      if (!isBulk(request)) return undefined;
      const lines = request.body.trimEnd().split('\n');
      sent.push(lines.length / 2);
      const at = lines.findIndex((line) => line.includes(`"_id":"${rejected.order.orderId}"`));
      if (sent.length > 1) return undefined;
      const rest = lines.toSpliced(at, 2);
      return {
        body: `${rest.join('\n')}\n`,
        change: (answer) => {
          const { items } = answer as { items: object[] };
          return { errors: true, items: items.toSpliced(at / 2, 0, { index: busy }) };
        },
      };
    };
    const failure = await writer
      .write(batch(50, 5n, { orders }))
      .catch((error: unknown) => error as RefusedViewsError);
    expect(failure).toBeInstanceOf(RefusedViewsError);
    expect([...(failure as RefusedViewsError).orders]).toEqual([
      [unfit.order.orderId, expect.stringContaining('document_parsing_exception')],
    ]);
    expect(sent).toEqual([200, 1]);
    expect((await writer.checkpoint(50)).position).toBe(0n);
    const views = await store.writer.load(orders.map(({ order }) => order.orderId));
    expect(views.size).toBe(199);
    expect(views.get(rejected.order.orderId)).toEqual(rejected);
    expect(views.get(old.order.orderId)).toEqual(newer);

    const fitting = orders.filter((stored) => stored !== unfit);
    await writer.write(batch(50, 5n, { orders: fitting }));
    expect((await writer.checkpoint(50)).position).toBe(5n);
  });

  test('rides out a cluster that is busy for a moment, and gives up on one that stays so', async () => {
    const stored = storedOrder();
    let refusals = 2;
    proxy.script = (request) =>
      isBulk(request) && refusals-- > 0 ? { status: 503, json: { error: busy.error } } : undefined;
    await writer.write(batch(51, 1n, { orders: [stored] }));
    expect(await reader.get(stored.order.orderId, undefined, never)).toEqual(stored);
    refusals = Number.POSITIVE_INFINITY;
    const giving = writer.write(batch(51, 2n, { orders: [storedOrder()] }));
    await expect(giving).rejects.toThrow(ElasticsearchUnavailableError);
    expect((await writer.checkpoint(51)).position).toBe(1n);
  });

  test('counts no dead letter whose batch did not get to its checkpoint', async () => {
    const [message] = orderMessages({ firstPosition: 70n });
    const fault = { errorClass: 'x', detail: 'y', attempts: 1, parkedAt: new Date() };
    const dead = message ? [deadLetter({ ...message, partition: 52 }, fault)] : [];
    const orderId = message?.key ?? '';
    proxy.script = ({ path }) =>
      path.includes('-checkpoints/_doc/')
        ? { status: 503, json: { error: { type: 'unavailable_shards_exception' } } }
        : undefined;
    const failing = await writer
      .write(batch(52, 71n, { dead }))
      .catch((error: unknown) => isElasticsearchPassing(error));
    expect(failing).toBe(true);
    expect(await writer.parked(52)).toEqual(new Map());
    expect(await reader.parkedOrder(52, orderId, undefined, never)).toBeUndefined();
    proxy.script = () => undefined;
    await writer.write(batch(52, 71n, { dead }));
    expect(await reader.parkedOrder(52, orderId, undefined, never)).toEqual({
      position: 70n,
      version: 1,
    });
  });

  test('takes an answer that ran out of time for none', async () => {
    proxy.script = (request) =>
      request.path.includes('/_search')
        ? { body: request.body, change: (answer) => ({ ...(answer as object), timed_out: true }) }
        : undefined;
    const searching = reader.search({ owner: undefined, orderBy: 'total', limit: 1 }, never);
    await expect(searching).rejects.toThrow(ElasticsearchUnavailableError);
  });

  test('refreshes once for the token of a write, whoever asks', async () => {
    let refreshes = 0;
    proxy.script = ({ path }) => {
      if (path.includes('/_refresh')) refreshes++;
      return undefined;
    };
    await Promise.all(Array.from({ length: 50 }, () => reader.searchable(53, 7n, never)));
    const first = refreshes;
    expect(first).toBeLessThanOrEqual(2);
    await reader.searchable(53, 7n, never);
    await reader.searchable(53, 6n, never);
    expect(refreshes).toBe(first);
    await reader.searchable(53, 8n, never);
    expect(refreshes).toBe(first + 1);
  });

  test('wakes by polling alone where PostgreSQL is away', async () => {
    const url = 'postgres://nobody@127.0.0.1:1/none';
    const { projection } = store;
    const onError = () => undefined;
    await using notifier = postgresViewNotifier({ url, reader, projection, pollMs: 20, onError });
    const waiting = notifier.reached(54, 3n, never);
    await eventually(() => notifier.waiting === 1);
    await writer.write(batch(54, 3n));
    await waiting;
  });

  test('never makes an index by writing to one that is missing', async () => {
    const lost = opened.use(await openElasticsearchStore());
    const indices = Object.values(viewIndices(lost.projection));
    const index = indices.map((one) => one.index);
    await lost.client.indices.delete({ index });
    const orders = [storedOrder()];
    const isUnavailable = (error: unknown) => isElasticsearchPassing(error);
    for (const call of [
      () => lost.writer.write(batch(0, 1n, { orders })),
      () => lost.writer.write(batch(0, 1n)),
      () => lost.writer.incomplete({ partitions: [0], kind: 'pending', limit: 1 }),
      () => lost.reader.get('x', undefined, never),
      () => lost.reader.search({ owner: undefined, orderBy: 'total', limit: 1 }, never),
      () => lost.reader.searchable(0, 1n, never),
      () => lost.reader.checkpoint(0, never),
    ])
      expect(await call().then(() => 'done', isUnavailable)).toBe(true);
    const names = [...index, ...indices.map((one) => one.alias)];
    expect(await lost.client.indices.exists({ index: names })).toBe(false);
  });

  test.each(['views', 'deadLetters', 'checkpoints'] as const)(
    'counts no batch of a writer that has not heard that the %s were lost',
    async (lost) => {
      const remade = opened.use(await openElasticsearchStore());
      const { projection, client } = remade;
      await using late = elasticsearchViewWriter({ url: store.url, projection });
      expect((await late.checkpoint(0)).position).toBe(0n);
      await late.write(batch(0, 5n, { orders: [storedOrder()] }));
      const indices = viewIndices(projection);
      await client.indices.delete({ index: indices[lost].index });
      // Another process is the first to notice, by a partition of its own.
      expect((await remade.writer.checkpoint(1)).position).toBe(0n);

      const [message] = orderMessages({ firstPosition: 7n });
      const fault = { errorClass: 'x', detail: 'y', attempts: 1, parkedAt: new Date() };
      const dead = message ? [deadLetter({ ...message, partition: 0 }, fault)] : [];
      const unheard = [batch(0, 6n), batch(0, 7n, { dead })];
      if (lost === 'checkpoints') unheard.length = 0; // all that it knows is still true
      for (const one of unheard) await expect(late.write(one)).rejects.toThrow(ViewsLostError);
      expect((await remade.writer.checkpoint(0)).position).toBe(0n);
      await remade.writer.write(batch(0, 8n));
      // A letter to views that are still there is right, whoever wrote it.
      if (lost === 'views') expect(await remade.writer.parked(0)).toEqual(new Map());

      expect((await late.checkpoint(0)).position).toBe(8n);
      await late.write(batch(0, 9n));
      expect(await remade.reader.checkpoint(0, never)).toBe(9n);
    },
  );

  test('parks nobody when the index behind the alias is another one', async () => {
    const other = opened.use(await openElasticsearchStore());
    const { index, alias } = viewIndices(other.projection).views;
    const properties = { order_id: { type: 'keyword' } } as const;
    await other.client.indices.delete({ index });
    await other.client.indices.create({
      index,
      mappings: { dynamic: 'strict', properties },
      aliases: { [alias]: {} },
    });
    const writing = other.writer.write(batch(0, 1n, { orders: [storedOrder()] }));
    const error = await writing.catch((thrown: unknown) => thrown);
    expect(error).not.toBeInstanceOf(RefusedViewsError);
    expect(String(error)).toContain('strict_dynamic_mapping_exception');
  });
});
