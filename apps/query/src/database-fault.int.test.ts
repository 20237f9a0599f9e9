import { randomUUID } from 'node:crypto';
import type { StoredOrder } from '@ordermesh/read-model';
import { storedStates } from '@ordermesh/read-model/testing';
import { databaseOutage, eventually, type TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  batchOf,
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
  query = await serveQuery(database.url, 1_000);
});

afterAll(async () => {
  await query?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const unavailable = {
  reason: 'DEPENDENCY_UNAVAILABLE',
  code: 'UNAVAILABLE',
  retryAfterMs: 1000,
};

it('answers UNAVAILABLE while the views are gone, and goes on by itself', async () => {
  const [stored] = storedStates() as [StoredOrder];
  const { orderId, customerId } = stored.order;
  await query.views.write(batchOf(stored));
  const waiting = refusal(query.call(rpc.getOrder, { orderId, minVersion: 2 }));
  await eventually(() => query.notifier.waiting > 0);
  const outage = databaseOutage(database);
  await outage.begin();
  try {
    for (const call of [
      () => query.call(rpc.getOrder, { orderId }),
      () => query.call(rpc.listOrders, { customerId }),
      () => query.call(rpc.searchOrders, { customerId: randomUUID() }),
      () => query.call(rpc.getOrder, { orderId, minVersion: 2 }),
    ])
      expect(await refusal(call())).toMatchObject(unavailable);
    expect(await waiting).toMatchObject(unavailable);
  } finally {
    await outage.end();
  }
  expect((await query.call(rpc.getOrder, { orderId })).message.order).toEqual(stored.order);
});

it('hears again of what is written after an outage', async () => {
  const [created, confirmed] = storedStates({ later: ['OrderConfirmed'] }) as StoredOrder[];
  await using patient = await serveQuery(database.url, 25_000);
  await patient.views.write(batchOf(created as StoredOrder));
  const outage = databaseOutage(database);
  await outage.begin().finally(() => outage.end());
  const orderId = created?.order.orderId ?? '';
  const answer = patient.call(rpc.getOrder, { orderId, minVersion: 2 });
  await eventually(() => patient.notifier.waiting > 0);
  await patient.views.write(batchOf(confirmed as StoredOrder));
  expect((await answer).message.order?.version).toBe(2);
});
