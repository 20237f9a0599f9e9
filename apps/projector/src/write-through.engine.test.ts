import { randomUUID } from 'node:crypto';
import { type LogRow, ReasonError, toMessage } from '@ordermesh/contract';
import { type Redis as RedisServer, startRedis } from '@ordermesh/engines';
import {
  postgresProjection,
  redisViewCache,
  type StoredOrder,
  type ViewCache,
  viewOrigin,
} from '@ordermesh/read-model';
import { metricsText } from '@ordermesh/telemetry';
import { eventually, isMissing } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orderRows } from '../test/order-log.ts';
import { type ScriptedCustomers, scriptedCustomers } from '../test/scripted-customers.ts';
import { type ViewStore, viewStore } from '../test/view-store.ts';
import { projection } from './projection.ts';
import { guardedRedis, redisCacheWrites, writeThrough } from './write-through.ts';

const partition = 1;
const signal = new AbortController().signal;

describe.skipIf(isMissing('redis'))('a projection with a cache', () => {
  const opened = new AsyncDisposableStack();
  let store: ViewStore;
  let server: RedisServer;
  let service: ScriptedCustomers;
  let cache: ViewCache;
  let handler: ReturnType<typeof projection>;
  const rows = orderRows(4);
  beforeAll(async () => {
    [store, server, service] = await Promise.all([
      viewStore(),
      startRedis(),
      scriptedCustomers({ openMs: 50 }),
    ]);
    for (const one of [store, server, service]) opened.use(one);
    const { url } = store.database;
    const origin = await viewOrigin(url, 'test');
    const onError = () => undefined; // Redis is killed
    cache = opened.use(redisViewCache({ url: server.url, origin, name: 'test', onError }));
    const writes = await redisCacheWrites(guardedRedis(server.url, 400), url); // what a busy machine may need
    if (!writes) throw new Error('no cache');
    opened.use(writes);
    handler = projection({
      name: postgresProjection,
      views: writeThrough(store.writer, writes),
      customers: service.customers,
      readStretch: () => Promise.reject(new Error('nothing is missing')),
      readPoint: rows.point,
      onDiverged: () => undefined,
    });
    await handler.assigned(partition, signal);
  });
  afterAll(() => opened.disposeAsync());

  let last = 0n;
  /** One batch. */
  async function project(...all: readonly LogRow[]): Promise<void> {
    const messages = all.map((row) => {
      const message = toMessage(row, last);
      last = row.position;
      return message;
    });
    await handler.batch({ partition, messages, signal });
  }
  const stored = async (orderId: string) => (await store.writer.load([orderId])).get(orderId);
  const held = async (orderId: string) => (await cache.get(orderId, undefined, signal))?.stored;
  /** The cache has what the store has. */
  const same = (orderId: string, version: number) =>
    eventually(async () => {
      const view = (await stored(orderId)) as StoredOrder;
      expect(view.order.version).toBe(version);
      expect(await held(orderId)).toEqual(view);
    });

  it('caches what it has written, and what it has completed with the customer', async () => {
    const customerId = randomUUID();
    service.register(customerId);
    service.instead = () => Promise.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'gone'));
    const created = rows.created(partition, customerId);
    const { streamId } = created;
    await project(created, rows.next(streamId, 'OrderConfirmed'));
    await same(streamId, 2);
    expect((await held(streamId))?.customerRevision).toBe(0);
    service.instead = undefined;
    await eventually(async () => {
      await handler.idle?.(partition, signal);
      expect((await held(streamId))?.customerRevision).toBe(2);
    });
    await same(streamId, 2);
  });

  it.each<[string, () => Promise<() => Promise<void>>]>([
    [
      'hangs',
      async () => {
        process.kill(server.pid, 'SIGSTOP');
        return async () => void process.kill(server.pid, 'SIGCONT');
      },
    ],
    [
      'is dead',
      async () => {
        await server.kill();
        return () => server.restart();
      },
    ],
  ])(
    'goes on while Redis %s, drops what it cannot cache, and caches again afterwards',
    async (_what, begin) => {
      const customerId = randomUUID();
      service.register(customerId);
      const created = rows.created(partition, customerId);
      const { streamId } = created;
      await project(created);
      await same(streamId, 1);
      const end = await begin();
      const before = await failedWrites();
      try {
        await project(rows.next(streamId, 'OrderConfirmed'));
        for (let i = 0; i < 20; i++) await project(rows.created(partition, customerId));
        expect((await stored(streamId))?.order.version).toBe(2);
        await eventually(async () => expect(await failedWrites()).toBe(before + 21));
      } finally {
        await end();
      }
      // The circuit takes up to a second to close; what was written meanwhile is not cached.
      await eventually(async () => {
        const newest = rows.created(partition, customerId);
        await project(newest);
        await eventually(async () => expect(await held(newest.streamId)).toBeDefined(), {
          withinMs: 300,
        });
      });
      await project(rows.next(streamId, 'OrderPaid'));
      await same(streamId, 3);
    },
  );

  async function failedWrites(): Promise<number> {
    const name = 'ordermesh_read_cache_writes_total';
    const isFailed = (line: string) => line.startsWith(name) && line.includes('"failed"');
    const line = (await metricsText()).split('\n').find(isFailed);
    return Number(line?.split(' ').at(-1) ?? 0);
  }
});
