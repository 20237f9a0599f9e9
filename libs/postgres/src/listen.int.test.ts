import { connect, createServer, type Server, type Socket } from 'node:net';
import { eventually, type TestDatabase, testDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ListenOptions, listen } from './listen.ts';
import { createPool } from './pool.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await testDatabase();
  pool = createPool({ url: database.url, max: 1, name: 'admin' });
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** A listener that keeps what it hears. */
function listening(options: Partial<ListenOptions> = {}) {
  const heard: string[] = [];
  const errors: unknown[] = [];
  const counts = { connects: 0 };
  const listener = listen({
    url: database.url,
    channel: 'Some channel',
    onNotify: (payload) => heard.push(payload),
    onReconnect: () => {
      counts.connects++;
    },
    onError: (error) => errors.push(error),
    ...options,
  });
  return { heard, errors, counts, [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose]() };
}

const notify = (payload: string) => pool.query("SELECT pg_notify('Some channel', $1)", [payload]);
const listeners = async () =>
  (
    await pool.query(
      "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'ordermesh-listen%'",
    )
  ).rows;

/** A server that behaves as told to; disposing ends its connections. */
async function tcpServer(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = new URL(database.url);
  url.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    url: url.href,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('hears what is notified, in order, and reports the first connect', async () => {
  await using listener = listening();
  await eventually(() => listener.counts.connects === 1);
  for (const payload of ['1', '', '3']) await notify(payload);
  await eventually(() => listener.heard.length === 3);
  expect(listener.heard).toEqual(['1', '', '3']);
});

test('heals after the server ended its connection, and says that it may have missed something', async () => {
  await using listener = listening();
  await eventually(() => listener.counts.connects === 1);
  await pool.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ordermesh-listen%'",
  );
  await eventually(() => listener.counts.connects === 2);
  await notify('after');
  await eventually(() => listener.heard.includes('after'));
  expect(listener.errors).toHaveLength(1);
});

test('finds a half-open connection and replaces it', async () => {
  let deaf = false;
  await using proxy = await tcpServer((socket) => {
    const { hostname, port } = new URL(database.url);
    const upstream = connect(Number(port), hostname);
    upstream.on('error', () => undefined);
    socket.on('close', () => upstream.destroy());
    // A peer that vanished: nothing more arrives on this connection, and no end either.
    const first = proxy.sockets.size === 1;
    socket.on('data', (bytes) => (first && deaf) || upstream.write(bytes));
    upstream.on('data', (bytes) => (first && deaf) || socket.write(bytes));
  });
  await using listener = listening({ url: proxy.url, livenessMs: 200 });
  await eventually(() => listener.counts.connects === 1);
  deaf = true;
  await eventually(() => listener.counts.connects === 2);
});

test('pauses between attempts while the server drops every connection', async () => {
  const at: number[] = [];
  await using server = await tcpServer((socket) => {
    at.push(performance.now());
    socket.destroy();
  });
  await using listener = listening({ url: server.url });
  await eventually(() => at.length === 4);
  // 50, 100 and 200 ms at least, whatever the jitter; a little less for the clocks.
  expect((at[3] as number) - (at[0] as number)).toBeGreaterThan(330);
  expect(listener.counts.connects).toBe(0);
});

test('goes on when a callback throws', async () => {
  await using listener = listening({
    onNotify: () => {
      throw new Error('mine');
    },
  });
  await eventually(() => listener.counts.connects === 1);
  await notify('x');
  await eventually(() => listener.errors.length === 1);
  expect(String(listener.errors[0])).toContain('mine');
});

test('leaves no connection and calls nothing back once disposed', async () => {
  const listener = listening();
  await eventually(() => listener.counts.connects === 1);
  await listener[Symbol.asyncDispose]();
  await eventually(async () => (await listeners()).length === 0);
  expect(listener.errors).toEqual([]);
});

test('can be disposed while the server does not answer', async () => {
  await using silent = await tcpServer(() => undefined);
  const listener = listening({ url: silent.url });
  await eventually(() => silent.sockets.size === 1);
  await listener[Symbol.asyncDispose]();
  expect(listener.errors).toEqual([]);
});
