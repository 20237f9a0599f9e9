import { randomBytes, randomUUID } from 'node:crypto';
import { type LogRow, partitionOf } from '@ordermesh/contract';
import type { Append } from '@ordermesh/event-sourcing';
import { createPool, listen } from '@ordermesh/postgres';
import { metricsText } from '@ordermesh/telemetry';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { logChannel } from './log-schema.ts';
import { openLog } from './open-log.ts';
import { createReader, createWriter } from './pools.ts';
import { createEventStore, type PostgresEventStore, readBytes } from './postgres-event-store.ts';
import { logDatabase } from './testing/log-database.ts';
import { appendAll, appendOf } from './testing/raw-append.ts';

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

const keyed = (response: string, createdAt?: Date) => ({
  key: randomBytes(16),
  requestHash: randomBytes(32),
  response: Buffer.from(response),
  createdAt,
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

/** A stream of two events, the second one appended with a key. */
async function preparedStream() {
  const streamId = randomUUID();
  await store.append(appendOf(streamId));
  const idempotency = keyed('first');
  await store.append({ ...appendOf(streamId), idempotency });
  return { streamId, idempotency };
}

test.each<[string, (stream: Awaited<ReturnType<typeof preparedStream>>) => Partial<Append>]>([
  ['any version', () => ({})],
  ['a stream that exists', () => ({ expected: 'exists' })],
  ['a stream that does not exist', () => ({ expected: 'exists', streamId: randomUUID() })],
  ['no stream', () => ({ expected: 'no_stream', streamId: randomUUID() })],
  ['a stream that exists although it should not', () => ({ expected: 'no_stream' })],
  ['its version', () => ({ expected: 2 })],
  ['an older version', () => ({ expected: 1 })],
  ['a newer version', () => ({ expected: 3 })],
  ['a new key', () => ({ expected: 2, idempotency: keyed('new') })],
  ['a new key at a wrong version', () => ({ expected: 7, idempotency: keyed('new') })],
  ['a used key at its version', ({ idempotency }) => ({ expected: 2, idempotency })],
  ['a used key, which outranks the version', ({ idempotency }) => ({ expected: 7, idempotency })],
  [
    'another request’s key',
    ({ idempotency: { key } }) => ({ idempotency: { ...keyed('other'), key } }),
  ],
])('judges and stores a command alone as it does in a batch: %s', async (_, of) => {
  const seen: unknown[] = [];
  const companies = [
    [],
    [appendOf()], // nothing is refused
    [appendOf(randomUUID())], // nor here, but nobody says at which version
    [{ ...appendOf(), expected: 'exists' as const }], // refused
  ];
  for (const company of companies) {
    const prepared = await preparedStream();
    const command: Append = { ...appendOf(prepared.streamId), ...of(prepared) };
    const [outcome] = await appendAll(store, command, ...company);
    const { rows } = await pool.query<{ position: string; version: number }>(
      'SELECT * FROM events WHERE stream_id = $1 ORDER BY version',
      [command.streamId],
    );
    if (outcome?.type === 'appended') {
      const { position, partition, version } = outcome;
      expect(rows.at(-1)).toMatchObject({ position: String(position), partition, version });
      expect(partition).toBe(partitionOf(command.streamId, 12));
    }
    if (outcome?.type === 'replayed') {
      const { requestHash } = prepared.idempotency;
      const [, { position }] = rows as [unknown, { position: string }];
      expect(outcome.answer).toMatchObject({ requestHash, position: BigInt(position) });
    }
    const answer = command.idempotency && (await store.findAnswer(command.idempotency.key));
    seen.push({
      type: outcome?.type,
      version: outcome?.type === 'appended' && outcome.version,
      actual: outcome?.type === 'conflict' && outcome.actual,
      rows: rows.map((row) => ({ ...row, position: 0, stream_id: 0, event_id: 0, partition: 0 })),
      answer: answer?.response.toString(),
    });
  }
  for (const one of seen) expect(one).toEqual(seen[0]);
});

/** Batches that were sent twice, in this process. */
async function judgedAgain(): Promise<number> {
  const line = /^ordermesh_eventstore_batches_judged_again_total (\d+)/m.exec(await metricsText());
  return Number(line?.[1]);
}

const next = ({ streamId }: Append, expected: number): Append => ({
  ...appendOf(streamId, 2),
  expected,
});

test('stores a batch at its first try when nothing in it is refused', async () => {
  const before = await judgedAgain();
  const [a, b] = [appendOf(undefined, 2), appendOf(undefined, 3)];
  await appendAll(store, a, b);
  const key = keyed('x');
  const outcomes = await appendAll(
    store,
    next(a, 2),
    { ...next(b, 3), idempotency: key },
    appendOf(),
  );
  expect(outcomes).toMatchObject([
    { type: 'appended', version: 4, position: 7n },
    { type: 'appended', version: 5, position: 9n },
    { type: 'appended', version: 1, position: 10n },
  ]);
  expect(await store.findAnswer(key.key)).toMatchObject({ position: 9n });
  const versions = await store.readStream(b.streamId, 0);
  expect(versions.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
  expect(await judgedAgain()).toBe(before);
});

test('tries a batch twice when something in it is refused, and the next 64 once', async () => {
  const before = await judgedAgain();
  const stale = appendOf();
  await store.append(stale);
  for (let n = 0; n < 66; n++) {
    const [refused, accepted] = await appendAll(store, next(stale, 7), appendOf(undefined, 2));
    expect(refused).toEqual({ type: 'conflict', actual: 1 });
    expect(accepted).toMatchObject({ type: 'appended', version: 2 });
    expect((await judgedAgain()) - before).toBe(n < 65 ? 1 : 2);
  }
});

test('refuses a batch without an error in the server’s log', async () => {
  const rollbacks = async () => {
    const text =
      'SELECT xact_rollback::int AS count FROM pg_stat_database WHERE datname = current_database()';
    return (await pool.query<{ count: number }>(text)).rows[0]?.count;
  };
  const before = await rollbacks();
  const stale = appendOf();
  await store.append(stale);
  await appendAll(store, { ...stale, expected: 'no_stream' }, appendOf(undefined, 2));
  await pool.end(); // sessions report what they did when they end, at the latest
  pool = createPool({ url: database.url, max: 1, name: 'test' });
  expect(await rollbacks()).toBe(before);
});

test('notifies once per batch, with the highest position of each partition', async () => {
  const heard: string[] = [];
  const up = Promise.withResolvers<void>();
  await using _listener = listen({
    url: database.url,
    channel: logChannel,
    onNotify: (payload) => heard.push(payload),
    onReconnect: up.resolve,
  });
  await up.promise;
  const [a, b] = [appendOf(undefined, 2), appendOf()];
  const outcomes = await appendAll(store, a, b);
  await store.append({ ...a, expected: 'no_stream' }); // refused: nothing to tell
  await store.append(appendOf());
  await eventually(() => heard.length === 2);
  const tops = new Map<number, bigint>();
  for (const outcome of outcomes) {
    if (outcome.type === 'appended') tops.set(outcome.partition, outcome.position);
  }
  const expected = [...tops].map(([partition, position]) => `${partition}:${position}`);
  expect(heard[0]?.split(',').sort()).toEqual(expected.sort());
});

test('notifies without a payload where it would not fit', async () => {
  const heard: string[] = [];
  const up = Promise.withResolvers<void>();
  await using _listener = listen({
    url: database.url,
    channel: logChannel,
    onNotify: (payload) => heard.push(payload),
    onReconnect: up.resolve,
  });
  await up.promise;
  const wide = createEventStore({ pool, partitions: 32_767 });
  // A batch is at most 500 commands, so it takes a long log, too.
  await pool.query(`INSERT INTO events (position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service, data)
    VALUES (1e12, gen_random_uuid(), 1, 0, 1, 'X', gen_random_uuid(), now(), '', '', '{}')`);
  await appendAll(wide, ...Array.from({ length: 500 }, () => appendOf()));
  await eventually(() => heard.length === 1);
  expect(heard).toEqual(['']);
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
