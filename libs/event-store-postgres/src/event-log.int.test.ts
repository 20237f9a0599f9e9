import { randomBytes, randomUUID } from 'node:crypto';
import { type LogRow, partitionOf } from '@ordermesh/contract';
import { createPool } from '@ordermesh/postgres';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLog } from './open-log.ts';
import { createReader, createWriter } from './pools.ts';
import { createEventStore, type PostgresEventStore, readBytes } from './postgres-event-store.ts';
import { logDatabase } from './testing/log-database.ts';
import { appendAll, appendOf, keyed } from './testing/raw-append.ts';

let database: TestDatabase;
let pool: pg.Pool;
let store: PostgresEventStore;

beforeEach(async () => {
  database = await logDatabase();
  pool = createPool({ url: database.url, max: 4, name: 'test' });
  store = createEventStore({ pool, partitions: 12 });
});
afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

test('has positions 1 to the number of events, in two processes at once', async () => {
  const second = createPool({ url: database.url, max: 4, name: 'test' });
  try {
    const stores = [store, createEventStore({ pool: second, partitions: 12 })];
    const streams = Array.from({ length: 7 }, () => randomUUID());
    await Promise.all(
      Array.from({ length: 80 }, (_, n) =>
        appendAll(stores[n % 2] as PostgresEventStore, appendOf(streams[n % 7], 2), appendOf()),
      ),
    );
    const { rows } = await pool.query(
      'SELECT count(*)::int AS count, min(position)::int AS min, max(position)::int AS max FROM events',
    );
    expect(rows).toEqual([{ count: 240, min: 1, max: 240 }]);
  } finally {
    await second.end();
  }
});

test('never scans the log, from the first append on an empty database', async () => {
  for (let n = 0; n < 200; n++) {
    const streamId = randomUUID();
    const append = { ...appendOf(streamId), idempotency: keyed('x') };
    await appendAll(store, append, appendOf());
    await appendAll(store, { ...appendOf(streamId), expected: 1 }, appendOf());
    await store.append({ ...append, expected: 'no_stream' });
    await store.readStream(streamId, 0);
    await store.readFromSnapshot(streamId, 'a');
    await store.saveSnapshot({ streamId, version: 1, schemaHash: 'a', state: '{}' });
    await store.readFromSnapshot(streamId, 'a');
    await store.readFromSnapshot(streamId, 'b');
    await store.readHistory(streamId, 0, 10);
    await store.findAnswer(append.idempotency.key);
    await store.readFeed(n % 12, 0n, 10);
    await store.readLog(BigInt(n), 10);
  }
  const stats = `SELECT relname, seq_scan::int AS scans, n_tup_ins::int AS rows FROM pg_stat_user_tables
    WHERE relname IN ('events', 'idempotency', 'snapshots') ORDER BY relname`;
  // Sessions report what they did when they end, at the latest.
  await pool.end();
  pool = createPool({ url: database.url, max: 1, name: 'test' });
  await eventually(async () => {
    expect((await pool.query(stats)).rows).toEqual([
      { relname: 'events', scans: 0, rows: 800 },
      { relname: 'idempotency', scans: 0, rows: 200 },
      { relname: 'snapshots', scans: 0, rows: 200 },
    ]);
  });
});

test('plans no read anew, not even once the tables are analysed', async () => {
  const reader = createReader({ url: database.url, max: 1, name: 'test' });
  try {
    await openLog(pool, 12);
    const own = createEventStore({ pool: reader, writer: pool, partitions: 12 });
    await appendAll(
      own,
      ...Array.from({ length: 200 }, () => ({ ...appendOf(), idempotency: keyed('x') })),
    );
    await pool.query('ANALYZE');
    for (let n = 0; n < 10; n++) {
      await own.readStream(randomUUID(), 0);
      await own.readFromSnapshot(randomUUID(), 'a');
      await own.readHistory(randomUUID(), 0, 10);
      await own.findAnswer(randomBytes(16));
      await own.readFeed(n, 0n, 10);
      await own.readLog(0n, 10);
      await own.readPoint(1n);
    }
    const { rows } = await reader.query(
      'SELECT count(*)::int AS statements, sum(custom_plans)::int AS custom FROM pg_prepared_statements',
    );
    expect(rows).toEqual([{ statements: 7, custom: 0 }]);
  } finally {
    await reader.end();
  }
});

test('feeds each partition in order, from any position, up to a limit', async () => {
  const streams = Array.from({ length: 30 }, () => randomUUID());
  for (const streamId of [...streams, ...streams]) await store.append(appendOf(streamId));
  const seen = new Set<bigint>();
  for (let partition = 0; partition < 12; partition++) {
    const rows = await store.readFeed(partition, 0n, 1000);
    for (const row of rows) {
      expect(partitionOf(row.streamId, 12)).toBe(partition);
      seen.add(row.position);
    }
    expect(rows.map(({ position }) => position)).toEqual(
      rows.map(({ position }) => position).sort((a, b) => Number(a - b)),
    );
    expect(await store.readFeed(partition, rows[1]?.position ?? 0n, 2)).toEqual(rows.slice(2, 4));
  }
  expect(seen.size).toBe(60);
});

test('reads the whole log in the order of its positions, from any position, up to a limit', async () => {
  for (let n = 0; n < 10; n++) await appendAll(store, appendOf(undefined, 2), appendOf());
  const rows = await store.readLog(0n, 100);
  expect(rows.map(({ position }) => position)).toEqual(
    Array.from({ length: 30 }, (_, n) => BigInt(n + 1)),
  );
  expect(await store.readLog(7n, 3)).toEqual(rows.slice(7, 10));
  const [first] = rows;
  expect(first && (await store.readFeed(first.partition, 0n, 1))).toEqual([first]);
});

test('reads no more of the log at once than its bytes allow, and always an event', async () => {
  const [event] = appendOf().events;
  if (event === undefined) throw new Error('no event');
  const large = (letters: number) => ({
    ...event,
    eventId: randomUUID(),
    data: JSON.stringify({ reason: 'x'.repeat(letters) }),
  });
  const largest = 256 * 1024 - 20;
  const streamId = randomUUID();
  for (let n = 0; n < 4; n++) {
    const events = Array.from({ length: 10 }, () => large(largest));
    await store.append({ streamId, expected: 'any', events });
  }
  const sizes = (rows: readonly LogRow[]) => rows.map(({ data }) => data.length);
  const total = (rows: readonly LogRow[]) => sizes(rows).reduce((sum, size) => sum + size, 0);
  const first = await store.readLog(0n, 500);
  expect(total(first)).toBeGreaterThanOrEqual(readBytes);
  expect(total(first.slice(0, -1))).toBeLessThan(readBytes);
  const all = [...first];
  for (let rows = first; rows.length > 0; all.push(...rows))
    rows = await store.readLog(all.at(-1)?.position ?? 0n, 500);
  expect(all.map(({ position }) => Number(position))).toEqual(
    Array.from({ length: 40 }, (_, n) => n + 1),
  );
});

test('reads a history with everything that was appended, page by page', async () => {
  const streamId = randomUUID();
  const [event] = appendOf().events;
  if (event === undefined) throw new Error('no event');
  const full = {
    ...event,
    data: '{"reason": "ü"}',
    correlationId: randomUUID(),
    causationId: randomUUID(),
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    tracestate: 'x=y',
  };
  const events = [full, { ...event, eventId: randomUUID() }];
  await store.append({ streamId, expected: 'no_stream', events });
  const page = await store.readHistory(streamId, 0, 1);
  const partition = partitionOf(streamId, 12);
  expect(page).toEqual([{ ...full, streamId, version: 1, position: 1n, partition }]);
  expect((await store.readHistory(streamId, 1, 10)).map(({ version }) => version)).toEqual([2]);
});

test.each(['UPDATE events SET type = type', 'DELETE FROM events', 'TRUNCATE events'])(
  'refuses to its owner: %s',
  async (sql) => {
    await store.append(appendOf());
    await expect(pool.query(sql)).rejects.toThrow('append-only');
  },
);

test('gives the application’s role appending and reading, and nothing that changes an event', async () => {
  const role = `${database.name}_app`;
  await pool.query(`CREATE ROLE ${role} LOGIN IN ROLE ordermesh_app`);
  const url = new URL(database.url);
  url.username = role;
  url.password = '';
  const own = createPool({ url: url.href, max: 2, name: 'test' });
  const writer = createWriter({ url: url.href, name: 'test-writer', onError: () => undefined });
  try {
    await openLog(own, 12);
    const restricted = createEventStore({ pool: own, writer, partitions: 12 });
    const append = { ...appendOf(), idempotency: keyed('x') };
    expect(await restricted.append(append)).toMatchObject({ type: 'appended' });
    expect(await restricted.readStream(append.streamId, 0)).toHaveLength(1);
    expect(await restricted.readFeed(partitionOf(append.streamId, 12), 0n, 10)).toHaveLength(1);
    const snapshot = { streamId: append.streamId, version: 1, schemaHash: 'a', state: '{}' };
    await restricted.saveSnapshot(snapshot);
    await restricted.saveSnapshot(snapshot);
    expect(await restricted.purgeIdempotency(new Date(Date.now() + 60_000))).toBe(1);
    // The relay's table, and ending its own backends, which finding out about a lost append needs.
    await own.query(`INSERT INTO relay (bus, partition_positions) VALUES ('x', '{}')`);
    await own.query('UPDATE relay SET position = 1');
    const end = `SELECT pg_terminate_backend(pid, 5000) AS gone FROM pg_stat_activity WHERE application_name = 'test-writer' AND usename = $1`;
    expect((await own.query(end, [role])).rows).toEqual([{ gone: true }]);
    for (const sql of [
      'UPDATE events SET type = type',
      'DELETE FROM events',
      'TRUNCATE events',
      'UPDATE idempotency SET position = 0',
      'DELETE FROM relay',
      'DELETE FROM log',
      'DELETE FROM snapshots',
    ]) {
      await expect(own.query(sql)).rejects.toThrow('permission denied');
    }
    for (const sql of [
      'ALTER TABLE events DISABLE TRIGGER append_only',
      'DROP TRIGGER append_only ON events',
      'DROP TABLE events',
    ]) {
      await expect(own.query(sql)).rejects.toThrow('must be owner');
    }
  } finally {
    await writer.end();
    await own.end();
    await pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test('makes one log, however many open it, and keeps its number of partitions', async () => {
  const logs = await Promise.all(Array.from({ length: 8 }, () => openLog(pool, 12)));
  expect(new Set(logs.map(({ logId }) => logId)).size).toBe(1);
  await expect(openLog(pool, 8)).rejects.toThrow(/PARTITIONS is 8, but this log was made with 12/);
});

test('forgets answers by age, in steps, and frees their keys', async () => {
  const fresh = { ...appendOf(), idempotency: keyed('fresh') };
  await store.append(fresh);
  await pool.query(`INSERT INTO idempotency
    SELECT lpad(to_hex(n), 32, '0')::uuid, '\\x00', '\\x00', 0, 1, now() - interval '2 days' FROM generate_series(1, 5001) n`);
  const dayAgo = new Date(Date.now() - 86_400_000);
  expect(await store.purgeIdempotency(dayAgo)).toBe(5001);
  expect(await store.purgeIdempotency(dayAgo)).toBe(0);
  expect(await store.findAnswer(fresh.idempotency.key)).toBeDefined();
});

test('forgets answers without a scan of all of them, once the table is analysed, too', async () => {
  const reader = createReader({ url: database.url, max: 1, name: 'test' });
  try {
    await pool.query(`INSERT INTO idempotency
      SELECT gen_random_uuid(), '\\x00', '\\x00', 0, 1, now() - CASE WHEN n <= 100 THEN interval '2 days' ELSE '0' END FROM generate_series(1, 300000) n`);
    await pool.query('ANALYZE idempotency');
    const own = createEventStore({ pool: reader, partitions: 12 });
    expect(await own.purgeIdempotency(new Date(Date.now() - 86_400_000))).toBe(100);
  } finally {
    await reader.end(); // it reports what it did when it ends, at the latest
  }
  const text = `SELECT n_tup_del::int AS deleted, seq_scan::int AS scans FROM pg_stat_user_tables WHERE relname = 'idempotency'`;
  await eventually(async () =>
    expect((await pool.query(text)).rows).toEqual([{ deleted: 100, scans: 0 }]),
  );
});
