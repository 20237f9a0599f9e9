import { randomUUID } from 'node:crypto';
import { type OrderViewWriter, RefusedViewsError } from '@ordermesh/read-model';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { asMessages, orderRows } from '../test/order-log.ts';
import { type ScriptedCustomers, scriptedCustomers } from '../test/scripted-customers.ts';
import { type ViewStore, viewStore } from '../test/view-store.ts';
import { projection } from './projection.ts';

const { signal } = new AbortController();
let store: ViewStore;
let service: ScriptedCustomers;
beforeEach(async () => {
  [store, service] = await Promise.all([viewStore(), scriptedCustomers({ openMs: 50 })]);
});
afterEach(async () => {
  await service?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
});

/** The store, refusing the views of some orders one after the other, as one without a transaction may. */
function refusing(orderIds: readonly string[]): OrderViewWriter {
  return {
    ...store.writer,
    async write(batch) {
      const bad = orderIds.find((id) => batch.orders.some(({ order }) => order.orderId === id));
      if (bad !== undefined) throw new RefusedViewsError(new Map([[bad, 'does not fit']]));
      await store.writer.write(batch);
    },
  };
}

it('tries parked orders again, and takes those that can be applied by now back with all that followed', async () => {
  const rows = orderRows(4);
  const created = [1, 2].map(() => rows.created(0, randomUUID()));
  const [a, b] = created.map(({ streamId }) => streamId) as [string, string];
  const all = [...created, rows.poison(b), ...[a, b].map((id) => rows.next(id, 'OrderPaid'))];
  const refusedIds = [a];
  const handler = projection({
    name: 'orders-test@000001',
    views: refusing(refusedIds),
    customers: service.customers,
    readStretch: async () => [],
    readPoint: rows.point,
    onDiverged: () => undefined,
    reviveEveryMs: 0,
  });
  await handler.assigned(0, signal);
  await handler.batch({ partition: 0, messages: asMessages(all), signal });
  await handler.idle?.(0, signal);
  const parked = async () => [...(await store.writer.parked(0)).keys()].sort();
  expect(await parked()).toEqual([a, b].sort());

  refusedIds.length = 0;
  await handler.idle?.(0, signal);
  expect(await parked()).toEqual([b]);
  expect((await store.writer.load([a])).get(a)?.order.version).toBe(2);
  const next = rows.next(a, 'OrderShipped');
  const messages = asMessages([...all, next]).slice(-1);
  await handler.batch({ partition: 0, messages, signal });
  expect((await store.writer.load([a])).get(a)?.order.version).toBe(3);
  const letters = await store.rows('SELECT error_class FROM dead_letter ORDER BY position');
  expect(letters.map((row) => row.error_class)).toEqual(['published_raw', 'follows']);
  await handler.revoked(0);
});

it('goes on with an order that it took back by a write whose answer was lost', async () => {
  const rows = orderRows(4);
  const created = rows.created(0, randomUUID());
  const orderId = created.streamId;
  const all = [created, rows.next(orderId, 'OrderPaid')];
  const refusedIds: string[] = [];
  const views = refusing(refusedIds);
  let losesAnswers = false;
  const handler = projection({
    name: 'orders-test@000001',
    views: {
      ...views,
      async write(batch) {
        await views.write(batch);
        if (losesAnswers) throw new Error('connection lost');
      },
    },
    customers: service.customers,
    readStretch: async () => [],
    readPoint: rows.point,
    onDiverged: () => undefined,
    reviveEveryMs: 0,
  });
  const deliver = (messages: ReturnType<typeof asMessages>) =>
    handler.batch({ partition: 0, messages, signal });
  await handler.assigned(0, signal);
  await deliver(asMessages(all).slice(0, 1));
  refusedIds.push(orderId);
  await deliver(asMessages(all).slice(1));
  refusedIds.length = 0;
  losesAnswers = true;
  await expect(handler.idle?.(0, signal)).rejects.toThrow('connection lost');
  losesAnswers = false;
  await handler.idle?.(0, signal);

  await deliver(asMessages([...all, rows.next(orderId, 'OrderShipped')]).slice(-1));
  expect((await store.writer.load([orderId])).get(orderId)?.order.version).toBe(3);
  expect(await store.writer.parked(0)).toEqual(new Map());
  await handler.revoked(0);
});

it('parks the orders whose views the store refuses, and writes the others of the batch', async () => {
  const rows = orderRows(4);
  const created = [1, 2, 3].map(() => rows.created(0, randomUUID()));
  const [a, b, c] = created.map(({ streamId }) => streamId) as [string, string, string];
  const all = [...created, ...[a, b, c].map((id) => rows.next(id, 'OrderConfirmed'))];
  const handler = projection({
    name: 'orders-test@000001',
    views: refusing([a, b]),
    customers: service.customers,
    readStretch: () => Promise.reject(new Error('nothing is missing')),
    readPoint: rows.point,
    onDiverged: () => undefined,
  });
  await handler.assigned(0, signal);
  await handler.batch({ partition: 0, messages: asMessages(all), signal });
  expect([...(await store.writer.load([a, b, c])).keys()]).toEqual([c]);
  expect((await store.writer.checkpoint(0)).position).toBe(all.at(-1)?.position);
  const parked = await store.writer.parked(0);
  expect([...parked.keys()].sort()).toEqual([a, b].sort());
  const letters = await store.rows('SELECT error_class FROM dead_letter ORDER BY position');
  expect(letters.map((row) => row.error_class)).toEqual([
    'refused',
    'refused',
    'follows',
    'follows',
  ]);

  await handler.revoked(0);
});

it('reads on from the log soon after a write that failed, not only when the next comparison is due', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const rows = orderRows(4);
    const created = rows.created(0, randomUUID());
    let isDown = true;
    const handler = projection({
      name: 'orders-test@000001',
      views: {
        ...store.writer,
        async write(batch) {
          if (isDown) throw new Error('the store is down');
          await store.writer.write(batch);
        },
      },
      customers: service.customers,
      readStretch: async (_, after) =>
        asMessages([created]).filter(({ position }) => position > after),
      readPoint: rows.point,
      onDiverged: () => undefined,
      compareEveryMs: 600_000,
    });
    await handler.assigned(0, signal);
    await expect(handler.idle?.(0, signal)).rejects.toThrow('the store is down');
    isDown = false;
    vi.advanceTimersByTime(10_000);
    await handler.idle?.(0, signal);
    expect((await store.writer.load([created.streamId])).size).toBe(1);
    await handler.revoked(0);
  } finally {
    vi.useRealTimers();
  }
});
