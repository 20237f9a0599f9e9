import { randomUUID } from 'node:crypto';
import { partitionOf } from '@ordermesh/contract';
import type { Append } from '@ordermesh/event-sourcing';
import { createPool, listen } from '@ordermesh/postgres';
import { metricsText } from '@ordermesh/telemetry';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { logChannel } from './log-schema.ts';
import { createEventStore, type PostgresEventStore } from './postgres-event-store.ts';
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

/** Collects what the log tells its readers from now on. */
async function listening(): Promise<AsyncDisposable & { readonly heard: readonly string[] }> {
  const heard: string[] = [];
  const up = Promise.withResolvers<void>();
  const listener = listen({
    url: database.url,
    channel: logChannel,
    onNotify: (payload) => heard.push(payload),
    onReconnect: up.resolve,
  });
  await up.promise;
  return { heard, [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose]() };
}

test('notifies once per batch, with the highest position of each partition', async () => {
  await using listener = await listening();
  const { heard } = listener;
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
  await using listener = await listening();
  const { heard } = listener;
  const wide = createEventStore({ pool, partitions: 32_767 });
  // A batch is at most 500 commands, so it takes a long log, too.
  await pool.query(`INSERT INTO events (position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service, data)
    VALUES (1e12, gen_random_uuid(), 1, 0, 1, 'X', gen_random_uuid(), now(), '', '', '{}')`);
  await appendAll(wide, ...Array.from({ length: 500 }, () => appendOf()));
  await eventually(() => heard.length === 1);
  expect(heard).toEqual(['']);
});
