import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  ConfirmOrderRequestSchema,
  CreateOrderRequestSchema,
  ShipOrderRequestSchema,
} from '@ordermesh/contract';
import { createPool } from '@ordermesh/postgres';
import { callUnary, connect } from '@ordermesh/rpc';
import { startApp, type TestDatabase, testDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { damage } from '../test/damage.ts';
import { orderRequest, refusal, rpc } from '../test/serve-command.ts';

let server: TestDatabase;
let logUrl: string;

beforeAll(async () => {
  server = await testDatabase();
  // Does not exist yet; the name starts like the run's own databases, so that the run drops it.
  const own = new URL(server.url);
  own.pathname += '_log';
  logUrl = own.href;
});

afterAll(() => server?.[Symbol.asyncDispose]());

const start = (settings: Record<string, string> = {}) =>
  startApp(`${import.meta.dirname}/..`, {
    COMMAND_PORT: '0',
    COMMAND_ADMIN_PORT: '0',
    LOG_DATABASE_URL: logUrl,
    MIGRATION_DATABASE_URL: server.url,
    TOKEN_KEY: '0123456789abcdef',
    ...settings,
  });
const status = async (url: string) =>
  (await fetch(url, { headers: { connection: 'close' } })).status;

describe('the command process', () => {
  it('makes its database, serves, logs a damaged order with its version, and ends with code 0 when told to', async () => {
    // Nothing in memory: the damage is seen when the order is read again.
    await using command = start({ STATE_CACHE_BYTES: '0' });
    const { port, adminPort } = await command.logged('ready');
    expect(await status(`http://127.0.0.1:${adminPort}/readyz`)).toBe(200);

    const address = `127.0.0.1:${port}`;
    await using channel = connect({ address, serviceName: 'test', defaultTimeoutMs: 20_000 });
    const order = create(CreateOrderRequestSchema, orderRequest());
    await callUnary(channel, rpc.createOrder, order);
    const { orderId } = order;
    const confirm = create(ConfirmOrderRequestSchema, { orderId });
    await callUnary(channel, rpc.confirmOrder, confirm);
    const pool = createPool({ url: logUrl, max: 1, name: 'test' });
    await damage(pool, orderId, 2, `type = 'OrderDelivered'`).finally(() => pool.end());
    expect((await refusal(callUnary(channel, rpc.confirmOrder, confirm))).code).toBe('INTERNAL');
    expect(await command.logged('the order cannot be processed')).toMatchObject({
      level: 'error',
      orderId,
      version: 2,
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      err: { message: expect.stringContaining('OrderDelivered') },
    });

    command.signal('SIGTERM');
    expect(await command.ended).toEqual({ code: 0, stderr: '' });
  });

  it('reads orders again after the log was away: it may be another one, restored or failed over', async () => {
    await using command = start();
    const { port } = await command.logged('ready');
    const address = `127.0.0.1:${port}`;
    await using channel = connect({ address, serviceName: 'test', defaultTimeoutMs: 20_000 });
    const order = create(CreateOrderRequestSchema, orderRequest());
    await callUnary(channel, rpc.createOrder, order);
    const ship = create(ShipOrderRequestSchema, { orderId: order.orderId, trackingNumber: 'T' });
    const code = async () => (await refusal(callUnary(channel, rpc.shipOrder, ship))).code;
    const pool = createPool({ url: logUrl, max: 1, name: 'test' });
    try {
      await code(); // the first append connects, and nothing is kept across that; from here on the order is in memory
      // Only who reads the order from its first event on can see that it is damaged.
      await damage(pool, order.orderId, 1, `type = 'OrderShipped'`);
      expect(await code()).toBe('FAILED_PRECONDITION');
      await pool.query(
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'ordermesh-command%'`,
      );
      await command.logged('connection to the log lost; healing');
      expect(await code()).toBe('INTERNAL');
    } finally {
      await pool.end();
    }
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['another number of partitions', { PARTITIONS: '8' }, /PARTITIONS is 8, .* set PARTITIONS=12/],
    ['a short token key', { TOKEN_KEY: 'short' }, /TOKEN_KEY .* at least 16 bytes/],
    ['no database', { LOG_DATABASE_URL: '' }, /DATABASE_URL .* is not set/],
  ])('ends with one line and code 1 for %s', async (_, settings, line) => {
    await using command = start(settings);
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^ordermesh-command: ${line.source}.*\\n$`));
  });

  it('ends with one line and code 1 for a database that is newer than it', async () => {
    const pool = createPool({ url: logUrl, max: 1, name: 'test' });
    await pool
      .query(
        'INSERT INTO schema_migrations (set, number, name, sha256) VALUES ($1, 999999, $2, $3)',
        ['', `999999_${randomUUID()}.sql`, 'x'],
      )
      .finally(() => pool.end());
    await using command = start();
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ordermesh-command: .*999999.*\n$/);
  });
});
