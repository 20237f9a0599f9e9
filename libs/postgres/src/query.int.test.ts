import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { eventually, type TestDatabase, testDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createPool } from './pool.ts';
import { query, read } from './query.ts';
import { isConnectionLoss, NoConnectionError } from './sql-state.ts';

let database: TestDatabase;
let pool: pg.Pool;
let admin: pg.Pool;
const broken: Error[] = [];

beforeAll(async () => {
  database = await testDatabase();
  admin = createPool({ url: database.url, max: 1, name: 'admin' });
  await admin.query('CREATE TABLE t (x int)');
});
afterAll(async () => {
  await admin.end();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  pool = createPool({
    url: database.url,
    max: 2,
    name: 'test',
    onError: (error) => broken.push(error),
  });
});
afterEach(() => pool.end());

const sessions = async (where: string) =>
  (
    await admin.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'test' AND ${where}`,
    )
  ).rows;
const endSessions = () =>
  admin.query(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'test'",
  );

test('applies its settings to each connection, those of the URL last', async () => {
  const url = new URL(database.url);
  url.searchParams.set('options', '-c idle_in_transaction_session_timeout=3s -c search_path=x');
  const own = createPool({
    url: url.href,
    max: 1,
    name: 'settings',
    statementTimeoutMs: 1234,
    settings: { lock_timeout: '1s', 'ordermesh.note': String.raw`a \b`, search_path: 'y' },
  });
  const names = [
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
    'search_path',
    'ordermesh.note',
  ];
  try {
    const { rows } = await query(own, {
      text: 'SELECT current_setting(n) AS s FROM unnest($1::text[]) n',
      values: [names],
    });
    expect(rows.map(({ s }) => s)).toEqual(['1234ms', '1s', '3s', 'x', String.raw`a \b`]);
  } finally {
    await own.end();
  }
});

test('rejects at once when the signal aborts, and the server ends the statement', async () => {
  const stop = new AbortController();
  const sleeping = query(pool, { text: 'SELECT pg_sleep(4)' }, stop.signal);
  await eventually(async () => (await sessions("state = 'active'")).length === 1);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await eventually(async () => (await sessions('true')).length === 0, { withinMs: 3000 });
});

test('drops a connection whose answer cannot be read', async () => {
  let stream: Duplex | undefined;
  pool.on('connect', (client) => {
    stream = (client as unknown as { connection: { stream: Duplex } }).connection.stream;
  });
  const asking = query(pool, { text: 'SELECT pg_sleep(4)' });
  await eventually(async () => (await sessions("state = 'active'")).length === 1);
  stream?.emit('data', Buffer.alloc(5));
  await expect(asking).rejects.toThrow('invalid response');
  expect(pool.totalCount).toBe(0);
});

test('does not ask for a connection when the signal is aborted already', async () => {
  await expect(
    query(pool, { text: 'SELECT 1' }, AbortSignal.abort(new Error('gone'))),
  ).rejects.toThrow('gone');
  expect(pool.totalCount).toBe(0);
});

test('stops waiting for a free connection when the signal aborts, and loses none', async () => {
  const held = [await pool.connect(), await pool.connect()];
  const stop = new AbortController();
  const waiting = query(pool, { text: 'SELECT 1' }, stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  for (const client of held) client.release();
  await eventually(() => pool.idleCount === 2);
});

test('survives the end of its idle connections and says so', async () => {
  await query(pool, { text: 'SELECT 1' });
  broken.length = 0;
  await endSessions();
  await eventually(() => broken.length > 0);
  expect((await query(pool, { text: 'SELECT 1 AS one' })).rows).toEqual([{ one: 1 }]);
});

test('survives the end of a connection in use', async () => {
  const sleeping = query(pool, { text: 'SELECT pg_sleep(4)' }).catch((error: unknown) => error);
  await eventually(async () => (await sessions("state = 'active'")).length === 1);
  await endSessions();
  expect(isConnectionLoss(await sleeping)).toBe(true);
});

test('repeats a read once after a lost connection, and a write never', async () => {
  const statement = { text: 'INSERT INTO t SELECT 1 FROM pg_sleep(1) RETURNING x' };
  for (const [run, expected] of [
    [read, 1],
    [query, 0],
  ] as const) {
    await admin.query('TRUNCATE t');
    const running = run(pool, statement).catch((error: unknown) => error);
    await eventually(async () => (await sessions("state = 'active'")).length === 1);
    await endSessions();
    await running;
    expect((await admin.query('SELECT x FROM t')).rowCount).toBe(expected);
  }
});

test('tells a statement that was never sent from one with an unknown outcome', async () => {
  const refusing = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  const address = refusing.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const nowhere = createPool({ url: `postgres://127.0.0.1:${port}/x`, max: 1, name: 'nowhere' });
  try {
    await expect(query(nowhere, { text: 'SELECT 1' })).rejects.toThrow(NoConnectionError);
  } finally {
    await nowhere.end();
    await new Promise((resolve) => refusing.close(resolve));
  }
});
