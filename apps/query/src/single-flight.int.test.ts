import { randomUUID } from 'node:crypto';
import { createPool } from '@ordermesh/postgres';
import type { StoredOrder } from '@ordermesh/read-model';
import { storedStates } from '@ordermesh/read-model/testing';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  batchOf,
  refusal,
  rpc,
  type ServedQuery,
  serveQuery,
  viewDatabase,
} from '../test/serve-query.ts';

const opened = new AsyncDisposableStack();
let database: TestDatabase;
let query: ServedQuery;
let pool: ReturnType<typeof createPool>;
beforeAll(async () => {
  database = opened.use(await viewDatabase());
  query = opened.use(await serveQuery(database.url, 25_000));
  pool = createPool({ url: database.url, max: 2, name: 'test', onError: () => undefined });
  opened.defer(() => pool.end());
});
afterAll(() => opened.disposeAsync());

async function written(): Promise<StoredOrder> {
  const [stored] = storedStates({ orderId: randomUUID() }) as [StoredOrder];
  await query.views.writeEnrichment([stored]);
  return stored;
}

/** Reads of views hang in the server until disposed. */
async function heldViews() {
  const client = await pool.connect();
  await client.query('BEGIN; LOCK TABLE order_view IN ACCESS EXCLUSIVE MODE');
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'test-query' AND wait_event_type = 'Lock'`;
  let isHeld = true;
  return {
    waiting: async () => (await pool.query(waiting)).rowCount ?? 0,
    async [Symbol.asyncDispose]() {
      if (!isHeld) return;
      isHeld = false;
      await client.query('ROLLBACK');
      client.release();
    },
  };
}

/** Resolves when the service has received every call made before: one connection, whose answers to bad requests need no store. */
const received = () => refusal(query.call(rpc.getOrder, { orderId: 'x' }));

it('reads the store once for all who ask for one order at the same time', async () => {
  const { order } = await written();
  const { orderId } = order;
  await using held = await heldViews();
  const calls = Array.from({ length: 50 }, () => query.call(rpc.getOrder, { orderId }));
  await received();
  await eventually(async () => (await held.waiting()) > 0);
  expect(await held.waiting()).toBe(1);
  await held[Symbol.asyncDispose]();
  for (const { message } of await Promise.all(calls)) expect(message.order).toEqual(order);
});

it('lets a caller whose deadline passes go, and the others have the answer', async () => {
  const { order } = await written();
  const { orderId } = order;
  await using held = await heldViews();
  const hasty = refusal(query.call(rpc.getOrder, { orderId }, { timeoutMs: 300 }));
  const patient = query.call(rpc.getOrder, { orderId });
  expect((await hasty).reason).toBe('DEADLINE_EXCEEDED');
  await received();
  expect(await held.waiting()).toBe(1);
  await held[Symbol.asyncDispose]();
  expect((await patient).message.order).toEqual(order);
});

it('waits for a version with all who want it, each by its own deadline', async () => {
  const [created, confirmed] = storedStates({ later: ['OrderConfirmed'] }) as StoredOrder[];
  if (!created || !confirmed) throw new Error('too few states');
  const { orderId } = created.order;
  await query.views.write(batchOf(created));
  const wanted = { orderId, minVersion: 2 };
  const patient = Array.from({ length: 20 }, () => query.call(rpc.getOrder, wanted));
  const hasty = refusal(query.call(rpc.getOrder, wanted, { timeoutMs: 500 }));
  await received();
  await eventually(() => query.notifier.waiting > 0);
  expect(query.notifier.waiting).toBe(1);
  expect((await hasty).reason).toBe('EVENTUAL_CONSISTENCY_TIMEOUT');
  await query.views.write(batchOf(confirmed));
  for (const { message } of await Promise.all(patient)) expect(message.order?.version).toBe(2);
});
