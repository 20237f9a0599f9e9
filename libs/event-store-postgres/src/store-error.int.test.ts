import { createServer } from 'node:net';
import { ReasonError } from '@ordermesh/contract';
import { createPool, type PoolOptions } from '@ordermesh/postgres';
import type { TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createEventStore } from './postgres-event-store.ts';
import { logDatabase } from './testing/log-database.ts';
import { appendOf } from './testing/raw-append.ts';

let database: TestDatabase;
let admin: pg.Pool;
const pools: pg.Pool[] = [];
beforeAll(async () => {
  database = await logDatabase();
  admin = createPool({ url: database.url, max: 2, name: 'admin' });
});
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.end();
});
afterAll(async () => {
  await admin.end();
  await database[Symbol.asyncDispose]();
});

function storeOver(options: Partial<PoolOptions>) {
  const pool = createPool({ url: database.url, max: 1, name: 'victim', ...options });
  pools.push(pool);
  return createEventStore({ pool, partitions: 12 });
}

/** What a caller hears, which must be nothing of the database's words. */
async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => 'nothing',
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ReasonError);
  const { reason, message } = error as ReasonError;
  expect(message).not.toMatch(/select|append_batch|read committed|lock|ECONN|statement/i);
  return reason;
}

/** Runs `work` while nobody can append. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const client = await admin.connect();
  try {
    await client.query('BEGIN; SELECT pg_advisory_xact_lock(7309475598860808551)');
    return await work();
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

test.each<[string, Partial<PoolOptions>]>([
  ['statement_timeout', { statementTimeoutMs: 100, settings: { lock_timeout: '0' } }],
  ['lock_timeout', { statementTimeoutMs: 5000, settings: { lock_timeout: '100ms' } }],
])('is sure that nothing happened when the server gave up by %s', async (_, options) => {
  const store = storeOver(options);
  const append = appendOf();
  expect(await whileLocked(() => reasonOf(store.append(append)))).toBe('DEPENDENCY_UNAVAILABLE');
  expect(await store.readStream(append.streamId, 0)).toEqual([]);
});

test('is sure that nothing happened without a connection', async () => {
  const refusing = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  const address = refusing.address();
  const store = storeOver({
    url: `postgres://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/x`,
  });
  try {
    expect(await reasonOf(store.append(appendOf()))).toBe('DEPENDENCY_UNAVAILABLE');
    expect(await reasonOf(store.readStream(appendOf().streamId, 0))).toBe('DEPENDENCY_UNAVAILABLE');
  } finally {
    await new Promise((resolve) => refusing.close(resolve));
  }
});

test('takes a read-only server for an unavailable one and drops the connection', async () => {
  const store = storeOver({ settings: { default_transaction_read_only: 'on' } });
  expect(await reasonOf(store.append(appendOf()))).toBe('DEPENDENCY_UNAVAILABLE');
  expect(pools[0]?.totalCount).toBe(0);
});

test('refuses to append under a snapshot of the whole transaction', async () => {
  const store = storeOver({ settings: { default_transaction_isolation: 'repeatable read' } });
  expect(await reasonOf(store.append(appendOf()))).toBe('INTERNAL');
});

test('hands on the reason of an aborted signal', async () => {
  const reason = new Error('deadline');
  const reading = storeOver({}).readStream(appendOf().streamId, 0, AbortSignal.abort(reason));
  await expect(reading).rejects.toBe(reason);
});
