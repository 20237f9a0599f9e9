import { randomUUID } from 'node:crypto';
import { type BusMessage, header } from '@ordermesh/contract';
import { postgresProjection } from '@ordermesh/read-model';
import { databaseOutage } from '@ordermesh/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asMessages, orderRows } from '../test/order-log.ts';
import { type ScriptedCustomers, scriptedCustomers } from '../test/scripted-customers.ts';
import { type ViewStore, viewStore } from '../test/view-store.ts';
import { type Projection, projection } from './projection.ts';

const partition = 2;
const never = new AbortController().signal;
let store: ViewStore;
let service: ScriptedCustomers;
let rows: ReturnType<typeof orderRows>;

beforeEach(async () => {
  [store, service] = await Promise.all([viewStore(), scriptedCustomers({})]);
  rows = orderRows(4);
});
afterEach(async () => {
  await service?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
});

/** A projection that owns the partition. */
async function owner(): Promise<Projection> {
  const handler = projection({
    ...{ name: postgresProjection, views: store.writer, customers: service.customers },
    readStretch: async () => [],
    readPoint: rows.point,
    onDiverged: (error) => {
      throw error;
    },
  });
  await handler.assigned?.(partition, never);
  return handler;
}
const batch = (messages: readonly BusMessage[], signal = never) => ({
  ...{ partition, messages, signal },
});
/** Two events of one order, a minute old. */
function messages(): BusMessage[] {
  const created = rows.created(partition, randomUUID());
  const both = [created, rows.next(created.streamId, 'OrderConfirmed')];
  const occurredAt = new Date(Date.now() - 60_000);
  return asMessages(both.map((row) => ({ ...row, occurredAt })));
}

it('is behind from the first event that it was handed until that is written, whatever fails meanwhile', async () => {
  const [before, handed] = [messages(), messages()];
  const ageMs = () => Date.now() - Date.parse(handed[0]?.headers[header.time] ?? '');
  const handler = await owner();
  await handler.batch(batch(before));
  expect(handler.lagMs()).toBe(0);
  const outage = databaseOutage(store.database);
  await outage.begin();
  const atLeast = ageMs();
  await expect(handler.batch(batch(handed)))
    .rejects.toThrow()
    .finally(outage.end);
  const behind = handler.lagMs();
  expect(behind).toBeGreaterThanOrEqual(atLeast);
  expect(behind).toBeLessThanOrEqual(ageMs());
  await handler.batch(batch(handed));
  expect(handler.lagMs()).toBe(0);
});

it('is not behind with what is another’s now', async () => {
  const handler = await owner();
  const lost = new AbortController();
  lost.abort(new Error('the partition is lost'));
  await expect(handler.batch(batch(messages(), lost.signal))).rejects.toThrow('partition is lost');
  expect(handler.lagMs()).toBeGreaterThanOrEqual(60_000);
  await handler.revoked?.(partition);
  expect(handler.lagMs()).toBe(0);
});

it('tells how many orders are parked in its partitions, also after a restart', async () => {
  const created = rows.created(partition, randomUUID());
  const handler = await owner();
  await handler.batch(batch(asMessages([created, rows.poison(created.streamId)])));
  expect(handler.parked()).toBe(1);
  await handler.revoked?.(partition);
  expect(handler.parked()).toBe(0);
  expect((await owner()).parked()).toBe(1);
});
