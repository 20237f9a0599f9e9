import {
  createEventStore,
  openLog,
  type PostgresEventStore,
} from '@ordermesh/event-store-postgres';
import { createPool } from '@ordermesh/postgres';
import { metricsText } from '@ordermesh/telemetry';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appendEvents } from '../../test/append-events.ts';
import { type RecordingPublisher, recordingPublisher } from '../../test/recording-publisher.ts';
import { backUp, dropEvents } from '../../test/roll-back.ts';
import { logDatabase, partitions } from '../../test/serve-command.ts';
import { type Relay, startRelay } from './relay.ts';

let database: TestDatabase;
let pool: pg.Pool;
let store: PostgresEventStore;
async function connect(): Promise<void> {
  pool = createPool({ url: database.url, max: 4, name: 'test', onError: () => undefined });
  await openLog(pool, partitions);
  store = createEventStore({ pool, partitions });
}
beforeEach(async () => {
  database = await logDatabase();
  await connect();
});
afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

const start = (publisher: RecordingPublisher, from = store): Relay =>
  startRelay({
    bus: 'test',
    publisher,
    store: from,
    logUrl: database.url,
    partitions,
    pollEveryMs: 50,
  });
const append = (count: number) => appendEvents(store, count);
const positions = (publisher: RecordingPublisher) =>
  publisher.acknowledged.map(({ position }) => Number(position));
const checkpoint = async () => {
  const { rows } = await pool.query("SELECT position::int FROM relay WHERE bus = 'test'");
  return rows[0]?.position;
};
const reached = (position: number) => eventually(async () => (await checkpoint()) === position);
const stopped = (relay: Relay, why = /^LOG_DIVERGED: the bus test has event .* position 8/) =>
  eventually(() => {
    expect(() => relay.check()).toThrow(why);
    return true;
  });
/** Puts so many events on the bus, by a relay that stops again. */
async function relayed(count: number): Promise<void> {
  await append(count);
  await using _relay = start(recordingPublisher());
  await reached(count);
}

it.each([
  ['and ends there', 0, /, in the log the log ends before it/],
  ['and went on, not as far', 1, /, in the log the log ends before it/],
  ['and went on as far', 3, /, in the log there is/],
  ['and went on beyond', 9, /, in the log there is/],
])('does not start when the log lost its last events %s', async (_what, others, why) => {
  await relayed(8);
  await dropEvents(pool, 5);
  await append(others);
  const publisher = recordingPublisher();
  await using relay = start(publisher);
  await stopped(relay, why);
  expect(positions(publisher)).toEqual([]);
  expect(await checkpoint()).toBe(8);
  expect(await metricsText()).toMatch(/^ordermesh_log_diverged 1$/m);
});

it('does not start on another log, however long', async () => {
  await relayed(8);
  await pool.query('UPDATE log SET log_id = gen_random_uuid()');
  const publisher = recordingPublisher();
  await using relay = start(publisher);
  await stopped(relay, /^LOG_DIVERGED: the bus test has events of log .*, this is log /);
  expect(positions(publisher)).toEqual([]);
});

it('stops when its database is replaced by an older copy of itself, and so does every later one', async () => {
  await relayed(5);
  await pool.end();
  const backup = await backUp(database);
  await connect();

  const publisher = recordingPublisher();
  const own = createPool({ url: database.url, max: 2, name: 'own', onError: () => undefined });
  await using resources = new AsyncDisposableStack();
  resources.defer(() => own.end());
  await using relay = start(publisher, createEventStore({ pool: own, partitions }));
  await reached(5);
  await append(3);
  await reached(8);
  await pool.end();
  await backup.restore();
  await connect();
  await append(6); // 6 to 11: other events, and beyond
  await stopped(relay);
  expect(positions(publisher)).toEqual([6, 7, 8]);

  // The copy's own checkpoint was at 5, which would have been right.
  await eventually(async () => (await checkpoint()) === 8);
  const next = recordingPublisher();
  await using later = start(next);
  await stopped(later);
  expect(positions(next)).toEqual([]);
});

it('stops when events are replaced behind its back, with all its connections as they are', async () => {
  const publisher = recordingPublisher();
  await using relay = start(publisher);
  await append(8);
  await reached(8);
  await dropEvents(pool, 5);
  await append(6);
  await stopped(relay);
  expect(positions(publisher).filter((position) => position > 8)).toEqual([]);
});

it('takes a first start, an empty log and any number of restarts for the same log', async () => {
  for (const total of [0, 0, 4, 4, 7]) {
    await append(total - Number((await checkpoint()) ?? 0));
    await using relay = start(recordingPublisher());
    await reached(total);
    relay.check();
  }
});
