import { randomBytes, randomUUID } from 'node:crypto';
import { ReasonError } from '@ordermesh/contract';
import type { Append, AppendOutcome } from '@ordermesh/event-sourcing';
import { createPool } from '@ordermesh/postgres';
import { metricsText } from '@ordermesh/telemetry';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createWriter } from './pools.ts';
import { createEventStore, type EventStoreOptions } from './postgres-event-store.ts';
import { type FaultyLink, faultyLink } from './testing/faulty-link.ts';
import { logDatabase } from './testing/log-database.ts';
import { appendOf } from './testing/raw-append.ts';

let database: TestDatabase;
let admin: pg.Pool;
let opened = new AsyncDisposableStack();
beforeAll(async () => {
  database = await logDatabase();
  admin = createPool({ url: database.url, max: 3, name: 'admin' });
});
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});
afterAll(async () => {
  await admin.end();
  await database[Symbol.asyncDispose]();
});

interface Faulty {
  readonly store: ReturnType<typeof createEventStore>;
  /** Between the writer and the server. */
  readonly link: FaultyLink;
  /** Between the other connections and the server. */
  readonly poolLink: FaultyLink;
}

async function faultyStore(
  options: Partial<EventStoreOptions> & { statementTimeoutMs?: number } = {},
): Promise<Faulty> {
  const { statementTimeoutMs = 5000, ...rest } = options;
  const link = opened.use(await faultyLink(database.url));
  const poolLink = opened.use(await faultyLink(database.url));
  const onError = () => undefined;
  const pool = createPool({ url: poolLink.url, max: 2, name: 'reader', onError });
  opened.defer(() => pool.end());
  const writer = createWriter({ url: link.url, name: 'victim', statementTimeoutMs, onError });
  opened.defer(() => writer.end());
  return { store: createEventStore({ pool, writer, partitions: 12, ...rest }), link, poolLink };
}

const keyed = (append: Append, response = 'x'): Append => ({
  ...append,
  idempotency: {
    key: randomBytes(16),
    requestHash: Buffer.alloc(32),
    response: Buffer.from(response),
  },
});

interface HeldLock extends Disposable {
  /** The backend that waits for the lock, not the `other` one. */
  waiter(other?: number): Promise<number>;
}

/** Keeps everybody from appending, until disposed. */
async function holdLock(): Promise<HeldLock> {
  const client = await admin.connect();
  await client.query('SELECT pg_advisory_lock(7309475598860808551)');
  const text = `SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'victim' AND wait_event = 'advisory'`;
  let held = true;
  return {
    waiter: (other) =>
      eventually(async () => {
        const { rows } = await admin.query<{ pid: number }>(text);
        return rows.find(({ pid }) => pid !== other)?.pid ?? false;
      }),
    [Symbol.dispose]() {
      if (held) client.release(true); // the lock goes with the connection
      held = false;
    },
  };
}

/** Another database of the same server. */
function otherDatabase() {
  const url = new URL(database.url);
  url.pathname = '/postgres';
  const settings = { idle_in_transaction_session_timeout: '0' };
  const pool = createPool({ url: url.href, max: 1, name: 'other', settings });
  return { pool, [Symbol.asyncDispose]: () => pool.end() };
}

const stored = async (streamId: string) =>
  (
    await admin.query<{ version: number; position: string; event_id: string }>(
      'SELECT version, position, event_id FROM events WHERE stream_id = $1 ORDER BY version',
      [streamId],
    )
  ).rows;

/** Events of these commands' streams. */
const countOf = async (commands: readonly Append[]) => {
  const text = 'SELECT count(*)::int AS count FROM events WHERE stream_id = ANY($1)';
  const ids = commands.map(({ streamId }) => streamId);
  return (await admin.query<{ count: number }>(text, [ids])).rows[0]?.count;
};

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof ReasonError ? error.reason : String(error)),
  );

test('ends a backend that lost its client before it looks, so that the command is stored once', async () => {
  const { store, link } = await faultyStore();
  using lock = await holdLock();
  const streamId = randomUUID();
  const appending = store.append(appendOf(streamId));
  const old = await lock.waiter();
  link.cutClients(); // the server does not notice: the statement would wait on, and commit
  await lock.waiter(old);
  lock[Symbol.dispose]();
  expect(await appending).toMatchObject({ type: 'appended', version: 1 });
  expect(await stored(streamId)).toHaveLength(1);
});

/** As many as go in two batches at once. */
const twoBatches = () => Array.from({ length: 64 }, () => appendOf());

test('ends a backend that has two batches before it looks, so that each command is stored once', async () => {
  const { store, link } = await faultyStore();
  using lock = await holdLock();
  const commands = twoBatches();
  const appending = commands.map((command) => store.append(command));
  const old = await lock.waiter();
  link.cutClients();
  await lock.waiter(old);
  lock[Symbol.dispose]();
  for (const outcome of await Promise.all(appending))
    expect(outcome).toMatchObject({ type: 'appended', version: 1 });
  expect(await countOf(commands)).toBe(64);
});

test('finds out for each of two batches that were stored although their answers were lost', async () => {
  const { store, link } = await faultyStore();
  await store.append(appendOf());
  link.freeze('answers');
  const commands = twoBatches();
  const appending = commands.map((command) => store.append(command));
  await eventually(async () => (await countOf(commands)) === 64);
  link.cutClients();
  link.thaw();
  const outcomes = await Promise.all(appending);
  const positions = new Set(
    outcomes.map((outcome) => outcome.type === 'appended' && outcome.position),
  );
  expect(positions.size).toBe(64);
  expect(await countOf(commands)).toBe(64);
});

test('answers with the version and position of a command that was stored although its answer was lost', async () => {
  const { store, link } = await faultyStore({ statementTimeoutMs: 300 });
  const streamId = randomUUID();
  await store.append(appendOf(streamId, 2));
  link.freeze('answers');
  const outcome = await store.append(keyed({ ...appendOf(streamId, 2), expected: 2 }));
  const rows = await stored(streamId);
  expect(rows.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
  expect(outcome).toMatchObject({
    type: 'appended',
    version: 4,
    position: BigInt(rows[3]?.position ?? 0),
  });
});

test('counts an answer that cannot be read as lost: only the server can say that nothing was stored', async () => {
  const { store, link } = await faultyStore({ statementTimeoutMs: 300 });
  const streamId = randomUUID();
  await store.append(appendOf(streamId));
  link.garbleAnswer();
  const outcome = await store.append({ ...appendOf(streamId), expected: 1 });
  expect(outcome).toMatchObject({ type: 'appended', version: 2 });
  expect(await stored(streamId)).toHaveLength(2);
});

test('finds out for each command of a lost batch on its own', async () => {
  const { store, link } = await faultyStore({ statementTimeoutMs: 300 });
  const first = keyed(appendOf(), 'first');
  await store.append(first);
  link.freeze('answers');
  const [stale, other] = [
    { ...appendOf(first.streamId), expected: 'no_stream' as const },
    appendOf(randomUUID()), // at any version: such a batch is judged at its first try
  ];
  const batch = [stale, other, { ...first, streamId: randomUUID() }].map((one) =>
    store.append(one),
  );
  await eventually(async () => (await stored(other.streamId)).length === 1);
  link.cutClients();
  link.thaw();
  expect(await Promise.all(batch)).toMatchObject([
    { type: 'conflict', actual: 1 },
    { type: 'appended', version: 1 },
    { type: 'replayed', answer: { response: Buffer.from('first') } },
  ]);
});

test('says OUTCOME_UNKNOWN when the server cannot be asked in time; it heals, and the key tells later', async () => {
  const { store, link, poolLink } = await faultyStore({
    statementTimeoutMs: 300,
    resolveWithinMs: 300,
  });
  const before = await unknown('unresolved');
  await store.append(appendOf());
  const append = keyed(appendOf(), 'first');
  link.freeze('answers');
  poolLink.freeze('both');
  expect(await reasonOf(store.append(append))).toBe('OUTCOME_UNKNOWN');
  link.thaw();
  poolLink.thaw();
  expect(await unknown('unresolved')).toBe(before + 1);
  const again = await store.append({ ...append, streamId: randomUUID() });
  expect(again).toMatchObject({ type: 'replayed', answer: { response: Buffer.from('first') } });
  expect(await stored(append.streamId)).toHaveLength(1);
});

// A server elsewhere has no processes that this one could stop.
test.skipIf(process.env.DATABASE_URL)(
  'says OUTCOME_UNKNOWN while a stopped backend cannot be ended, and stores the command once in all',
  async () => {
    const { store } = await faultyStore({ statementTimeoutMs: 300, resolveWithinMs: 1500 });
    await store.append(appendOf());
    const { rows } = await admin.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'victim' AND datname = current_database()`,
    );
    const pid = rows[0]?.pid ?? 0;
    const append = keyed(appendOf());
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await reasonOf(store.append(append))).toBe('OUTCOME_UNKNOWN');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const again = { ...append, streamId: randomUUID() };
    expect(['appended', 'replayed']).toContain((await store.append(again)).type);
    const all = [...(await stored(append.streamId)), ...(await stored(again.streamId))];
    expect(all).toHaveLength(1);
  },
);

test('goes on by itself when the server was read-only', async () => {
  const { store } = await faultyStore();
  await using server = otherDatabase();
  const readOnly = (value: string) =>
    server.pool.query(
      `ALTER DATABASE ${database.name} SET default_transaction_read_only = ${value}`,
    );
  await store.append(appendOf());
  await readOnly('on');
  try {
    await admin.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'victim'`,
    );
    expect(await reasonOf(store.append(appendOf()))).toBe('DEPENDENCY_UNAVAILABLE');
    expect(await reasonOf(store.append(appendOf()))).toBe('DEPENDENCY_UNAVAILABLE');
  } finally {
    await readOnly('off');
  }
  expect(await store.append(appendOf())).toMatchObject({ type: 'appended' });
});

test('neither waits for nor hides anything from an idle transaction in another database', async () => {
  await using other = otherDatabase();
  const client = await other.pool.connect();
  try {
    await client.query('BEGIN; SELECT pg_current_xact_id()');
    const { store } = await faultyStore();
    const append = appendOf();
    const outcome = await store.append(append);
    if (outcome.type !== 'appended') throw new Error(outcome.type);
    const rows = await store.readFeed(outcome.partition, outcome.position - 1n, 10);
    expect(rows.map(({ streamId }) => streamId)).toEqual([append.streamId]);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

test.each([
  { callers: 16, rounds: 12, bytes: 60_000 },
  { callers: 160, rounds: 3, bytes: 600_000 }, // two batches in flight
])(
  'stores each of $callers callers’ commands once or not at all, and says which, over a link that breaks at random places',
  async ({ callers, bytes, ...short }) => {
    const rounds = process.env.SOAK ? 200 : short.rounds;
    const { store, link } = await faultyStore();
    link.cutAfter(() => 300 + Math.floor(Math.random() ** 3 * bytes));
    const said: { append: Append; outcome: AppendOutcome | string }[] = [];
    const caller = async () => {
      const streamId = randomUUID();
      let version = 0;
      // A link may hold by chance: then there is more to store, until it broke a few times.
      for (let n = 0; n < rounds || link.connections() <= 5; n++) {
        const append = keyed({
          ...appendOf(streamId, 1 + (n % 2)),
          expected: version === 0 ? 'no_stream' : version,
        });
        const outcome = await store
          .append(append)
          .catch((error: unknown) => reasonOf(Promise.reject(error)));
        said.push({ append, outcome });
        if (typeof outcome !== 'string' && outcome.type === 'appended') version = outcome.version;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    for (const { append, outcome } of said) {
      const ids = append.events.map(({ eventId }) => eventId);
      const rows = (await stored(append.streamId)).filter(({ event_id }) => ids.includes(event_id));
      if (typeof outcome === 'string') {
        expect([outcome, rows]).toEqual(['DEPENDENCY_UNAVAILABLE', []]);
      } else {
        if (outcome.type !== 'appended')
          throw new Error(`${outcome.type}, although nobody else writes`);
        expect(rows.map(({ event_id }) => event_id)).toEqual(ids);
        expect(rows.at(-1)).toMatchObject({
          version: outcome.version,
          position: String(outcome.position),
        });
      }
    }
    expect(link.connections()).toBeGreaterThan(5);
    expect(said.filter(({ outcome }) => typeof outcome !== 'string').length).toBeGreaterThan(
      said.length / 2,
    );
    const { rows } = await admin.query(
      'SELECT count(*)::int AS count, max(position)::int AS max FROM events',
    );
    expect(rows[0].count).toBe(rows[0].max);
  },
);

test('shows how it does', async () => {
  const { store } = await faultyStore();
  const streamId = randomUUID();
  await Promise.all([
    store.append(appendOf(streamId)),
    store.append({ ...appendOf(streamId), expected: 7 }),
  ]);
  const text = await metricsText();
  for (const name of [
    'append_duration_count',
    'batch_size_count',
    'conflicts_total',
    'queue_depth',
  ])
    expect(text).toMatch(new RegExp(`^ordermesh_eventstore_${name} \\d`, 'm'));
});

async function unknown(resolution: string): Promise<number> {
  const line = new RegExp(
    `^ordermesh_eventstore_unknown_outcomes_total\\{resolution="${resolution}"\\} (\\d+)`,
    'm',
  );
  return Number(line.exec(await metricsText())?.[1] ?? 0);
}
