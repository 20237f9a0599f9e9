import { header } from '@ordermesh/contract';
import {
  createEventStore,
  openLog,
  type PostgresEventStore,
} from '@ordermesh/event-store-postgres';
import { createPool } from '@ordermesh/postgres';
import { StartupError } from '@ordermesh/service';
import { metricsText } from '@ordermesh/telemetry';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appendEvents } from '../../test/append-events.ts';
import { type RecordingPublisher, recordingPublisher } from '../../test/recording-publisher.ts';
import { logDatabase, partitions } from '../../test/serve-command.ts';
import { type Relay, type RelayOptions, startRelay } from './relay.ts';

let database: TestDatabase;
let pool: pg.Pool;
let store: PostgresEventStore;
beforeEach(async () => {
  database = await logDatabase();
  pool = createPool({ url: database.url, max: 4, name: 'test', onError: () => undefined });
  await openLog(pool, partitions);
  store = createEventStore({ pool, partitions });
});
afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

// None of these relays polls, save where a test says so: what arrives was woken.
const start = (publisher: RecordingPublisher, options: Partial<RelayOptions> = {}): Relay =>
  startRelay({
    bus: 'test',
    publisher,
    store,
    logUrl: database.url,
    partitions,
    pollEveryMs: 600_000,
    ...options,
  });
const append = (count: number, type?: string) => appendEvents(store, count, type);
const positions = (publisher: RecordingPublisher) =>
  publisher.acknowledged.map(({ position }) => Number(position));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const checkpoint = async () => {
  const { rows } = await pool.query("SELECT position::int FROM relay WHERE bus = 'test'");
  return rows[0]?.position;
};
const reached = (position: number) => eventually(async () => (await checkpoint()) === position);
function expectWholeChain(publisher: RecordingPublisher): void {
  const last = new Map<number, bigint>();
  for (const { partition, position, headers } of publisher.acknowledged) {
    expect(headers[header.prev]).toBe(String(last.get(partition) ?? 0n));
    last.set(partition, position);
  }
}

it('publishes the whole log in its order and numbers the chain, once when nothing fails', async () => {
  await append(25);
  const publisher = recordingPublisher();
  await using _relay = start(publisher, { maxBatch: 4 });
  await reached(25);
  for (const total of [26, 27, 28]) {
    await append(1);
    await reached(total);
  }
  expect(positions(publisher)).toEqual(upTo(28));
  expectWholeChain(publisher);
});

it('finds by polling what no notification told', async () => {
  const publisher = recordingPublisher();
  await using _relay = start(publisher, { pollEveryMs: 50 });
  await eventually(async () => (await checkpoint()) === 0);
  await pool.query(`
    INSERT INTO events (position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service, data)
    VALUES (1, gen_random_uuid(), 1, 0, 1, 'OrderConfirmed', gen_random_uuid(), now(), '', '', '{}')`);
  await reached(1);
});

it('reads the next batch while one is in flight', async () => {
  await append(4);
  const publisher = recordingPublisher();
  const sent = Promise.withResolvers<void>();
  publisher.hold(sent.promise);
  const reads: bigint[] = [];
  const watched: typeof store.readLog = (after, ...rest) => {
    reads.push(after);
    return store.readLog(after, ...rest);
  };
  await using _relay = start(publisher, { maxBatch: 2, store: { ...store, readLog: watched } });
  await eventually(() => publisher.begun() === 1 && reads.length === 2);
  expect(reads).toEqual([0n, 1n]); // from the last event on, to see that it is still there
  expect(await checkpoint()).toBe(0);
  sent.resolve();
  await reached(4);
});

it('stops at the first failure and begins again at the checkpoint, with nothing left out', async () => {
  await append(2);
  const publisher = recordingPublisher();
  await using _relay = start(publisher, { maxBatch: 2 });
  await reached(2);
  publisher.hold(Promise.reject(new Error('the bus is away')));
  await append(6);
  const begun = publisher.begun();
  await eventually(() => publisher.begun() >= begun + 2);
  expect(await checkpoint()).toBe(2);
  publisher.hold(Promise.resolve());
  await reached(8);
  expect(positions(publisher)).toEqual(upTo(8));
  expectWholeChain(publisher);
});

it('goes on where the last relay was, with the chain unbroken', async () => {
  const publisher = recordingPublisher();
  for (const total of [5, 10]) {
    await append(5);
    await using _relay = start(publisher, { maxBatch: 2 });
    await reached(total);
  }
  expect(positions(publisher)).toEqual(upTo(10));
  expectWholeChain(publisher);
});

it('has one leader, and another one as soon as that stops', async () => {
  const [first, second] = [recordingPublisher(), recordingPublisher()];
  await append(3);
  {
    await using _first = start(first, { leaseMs: 600_000 });
    await reached(3);
    await using _second = start(second, { leaseMs: 600_000 });
    await append(3);
    await reached(6);
    expect(positions(second)).toEqual([]);
  }
  await using _third = start(second, { leaseMs: 600_000 });
  await append(3);
  await reached(9);
  expect(first.isClosed()).toBe(true);
  expect([...positions(first), ...positions(second)]).toEqual(upTo(9));
});

it('does not advance when it was deposed while a batch was in flight', async () => {
  await append(3);
  const publisher = recordingPublisher();
  const sent = Promise.withResolvers<void>();
  publisher.hold(sent.promise);
  await using _relay = start(publisher, { leaseMs: 600_000 });
  await eventually(() => publisher.begun() === 1);
  await pool.query('UPDATE relay SET owner = gen_random_uuid(), epoch = epoch + 1, position = 2');
  sent.resolve();
  await eventually(() => publisher.acknowledged.length === 3);
  await append(1);
  // It asks for the lead again and does not get it.
  const asked = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ordermesh-relay'
    AND state = 'idle' AND query LIKE '%epoch + 1%' AND query LIKE '%RETURNING%'`;
  await eventually(async () => (await pool.query(asked)).rowCount === 1);
  expect(await checkpoint()).toBe(2);
  expect(positions(publisher)).toEqual(upTo(3));
});

it('survives a loss of all its connections', async () => {
  const publisher = recordingPublisher();
  await using _relay = start(publisher, { maxBatch: 3 });
  for (let round = 1; round <= 5; round++) {
    await append(4);
    await pool.query(`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name IN ('ordermesh-relay', 'ordermesh-listen-ordermesh_log')`);
  }
  await eventually(async () => (await checkpoint()) === 20, { withinMs: 30_000 });
  expect([...new Set(positions(publisher))]).toEqual(upTo(20));
});

it('publishes an event that cannot be encoded as it is, and what follows', async () => {
  await append(1, 'OrderTeleported');
  await append(1);
  const publisher = recordingPublisher();
  await using _relay = start(publisher);
  await reached(2);
  const [raw, next] = publisher.acknowledged;
  expect(raw?.headers[header.error]).toBe('UNKNOWN_EVENT_TYPE');
  expect(Buffer.from(raw?.value ?? []).toString()).toBe('{}');
  expect(next?.headers[header.error]).toBeUndefined();
});

it('tells how many events the bus lacks, and how old the oldest is', async () => {
  const publisher = recordingPublisher();
  const sent = Promise.withResolvers<void>();
  publisher.hold(sent.promise);
  await using _relay = start(publisher);
  await eventually(async () => (await checkpoint()) === 0);
  await append(3);
  await eventually(async () => {
    const text = await metricsText();
    expect(text).toMatch(/ordermesh_relay_pending\{messaging_system_name="test"\} 3\n/);
    const age = /ordermesh_relay_oldest_age\{.*\} (\S+)/.exec(text)?.[1];
    expect(Number(age)).toBeGreaterThan(0);
    expect(Number(age)).toBeLessThan(60);
  });
  sent.resolve();
  await reached(3);
  expect(await metricsText()).toMatch(/ordermesh_relay_oldest_age\{.*\} 0\n/);
});

it('lets go of a publish that does not end, when it is stopped', async () => {
  const publisher = recordingPublisher();
  publisher.hold(new Promise(() => undefined));
  await append(1);
  {
    await using _relay = start(publisher);
    await eventually(() => publisher.begun() === 1);
  }
  expect(publisher.isClosed()).toBe(true);
  expect(await checkpoint()).toBe(0);
  const { rows } = await pool.query('SELECT owner FROM relay');
  expect(rows).toEqual([{ owner: null }]);
});

it('stops, and says so, when the bus cannot carry the log', async () => {
  const publisher = {
    ...recordingPublisher(),
    open: () => Promise.reject(new StartupError(['PARTITIONS is 12, but the topic has 3'])),
  };
  await using relay = start(publisher);
  await expect(relay.failed).rejects.toThrow(/PARTITIONS is 12/);
});
