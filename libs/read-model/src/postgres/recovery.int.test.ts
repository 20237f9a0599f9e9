// What PostgreSQL in particular has to hold, beside the conformance suite.
import { createPool } from '@ordermesh/postgres';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { deadLetter } from '../dead-letter.ts';
import type { OrderViewReader } from '../order-view-reader.ts';
import { orderMessages } from '../testing/order-messages.ts';
import { storedOrder } from '../testing/stored-orders.ts';
import { batch, never } from '../testing/view-store.ts';
import { postgresViewNotifier } from './notifier.ts';
import { announcer } from './notify-channel.ts';
import { openPostgresStore, type PostgresTestStore } from './open-test-store.ts';
import { postgresProjection } from './projection.ts';
import { postgresViewWriter } from './writer.ts';

const hour = 3_600_000;
let store: PostgresTestStore;
beforeAll(async () => {
  store = await openPostgresStore();
});
afterAll(() => store[Symbol.asyncDispose]());

const setCheckpoint = (partition: number, position: number) =>
  store.sql(
    `INSERT INTO projection_checkpoint VALUES ($1, $2, $3) ON CONFLICT (projection, partition) DO UPDATE SET position = $3`,
    [postgresProjection, partition, position],
  );

test('writes nothing of a batch of which a part is refused', async () => {
  const good = storedOrder();
  const { partition } = good;
  const [message] = orderMessages();
  const fault = { errorClass: 'x', detail: 'y', attempts: 3, parkedAt: new Date() };
  const dead = message ? [deadLetter({ ...message, partition }, fault)] : [];
  const bad = { ...good, order: { ...good.order, orderId: 'no uuid' } };
  const writing = store.writer.write(batch(partition, 9n, { orders: [good, bad], dead }));
  await expect(writing).rejects.toThrow('invalid input syntax for type uuid');
  expect(await store.reader.get(good.order.orderId, undefined, never)).toBeUndefined();
  expect(await store.writer.parked(partition)).toEqual(new Map());
  expect((await store.writer.checkpoint(partition)).position).toBe(0n);
});

test('overlapping writes of the same orders do not deadlock', async () => {
  await using other = postgresViewWriter({ url: store.url, max: 6, name: 'test-other' });
  const orders = Array.from({ length: 300 }, () => storedOrder());
  const writes = Array.from({ length: 30 }, (_, i) => {
    const mixed = orders.map((stored) => ({ ...stored, customerRevision: i }));
    // Without a checkpoint, whose row would let one in at a time.
    return (i % 3 ? store.writer : other).writeEnrichment(i % 2 ? mixed : mixed.reverse());
  });
  await Promise.all(writes);
  const views = await store.writer.load(orders.map((stored) => stored.order.orderId));
  expect(new Set([...views.values()].map((stored) => stored.customerRevision))).toEqual(
    new Set([29]),
  );
});

test('misses no write that is committed and notified while the old view is being read', async () => {
  const stored = storedOrder();
  const { partition } = stored;
  let reads = 0;
  const get: OrderViewReader['get'] = async (orderId, owner, signal) => {
    const view = await store.reader.get(orderId, owner, signal);
    if (++reads === 1) {
      await store.writer.write(batch(partition, 500n, { orders: [stored] }));
      await notifier.reached(partition, 500n, never); // it knows of the write, and of nothing later
    }
    return view;
  };
  const reader = { ...store.reader, get };
  await using notifier = postgresViewNotifier({ url: store.url, reader, pollMs: hour });
  await notifier.reached(partition, 0n, never);
  const { orderId } = stored.order;
  const request = { orderId, owner: undefined, partition, minVersion: 1 };
  expect(await notifier.forOrder(request, never)).toEqual(stored);
  expect(reads).toBe(2);
});

test('finds by polling what nobody notified, and reads nothing while nobody waits', async () => {
  const checkpoints = vi.fn(store.reader.checkpoints);
  const reader = { ...store.reader, checkpoints };
  await using notifier = postgresViewNotifier({ url: store.url, reader, pollMs: 20 });
  await notifier.reached(60, 0n, never);
  const before = checkpoints.mock.calls.length;
  // Something else to wait for that takes longer than several polls would.
  await store.sql('SELECT pg_sleep(0.2)');
  expect(checkpoints.mock.calls.length - before).toBeLessThanOrEqual(1);
  const waiting = notifier.reached(60, 5n, never);
  await setCheckpoint(60, 5);
  await waiting;
});

test('reads checkpoints once for all who wait', async () => {
  const checkpoints = vi.fn(store.reader.checkpoints);
  const reader = { ...store.reader, checkpoints };
  await using notifier = postgresViewNotifier({ url: store.url, reader, pollMs: hour });
  await notifier.reached(61, 0n, never);
  checkpoints.mockClear();
  const waiting = Array.from({ length: 100 }, () => notifier.reached(61, 1n, never));
  await store.writer.write(batch(61, 1n));
  await Promise.all(waiting);
  expect(checkpoints).not.toHaveBeenCalled();
});

test('trusts nothing that it knew before its connection was lost', async () => {
  const lost = Promise.withResolvers<unknown>();
  const { url, reader } = store;
  await using notifier = postgresViewNotifier({ url, reader, pollMs: hour, onError: lost.resolve });
  await setCheckpoint(62, 10);
  await notifier.reached(62, 10n, never);
  // As after a crash of the server, which may lose the last checkpoints and always loses the connection.
  await setCheckpoint(62, 3);
  const cut = store.cutNotifiers();
  await lost.promise; // and at once, before it has connected again
  const abort = new AbortController();
  const early = notifier.reached(62, 10n, abort.signal);
  const waiting = notifier.reached(62, 3n, never).then(() => 'still waiting');
  expect(await Promise.race([early, waiting])).toBe('still waiting');
  await cut;
  abort.abort(new Error('enough'));
  await expect(early).rejects.toThrow('enough');
});

test('tries again after a poll that failed, and says so', async () => {
  const errors: unknown[] = [];
  const checkpoints = vi.fn(store.reader.checkpoints);
  await using notifier = postgresViewNotifier({
    url: store.url,
    reader: { ...store.reader, checkpoints },
    pollMs: 10,
    onError: (error) => errors.push(error),
  });
  await notifier.reached(63, 0n, never);
  await eventually(() => notifier.reached(63, 0n, never).then(() => true));
  const down = new Error('down');
  checkpoints.mockRejectedValueOnce(down);
  const waiting = notifier.reached(63, 1n, never);
  await eventually(() => errors.includes(down));
  await setCheckpoint(63, 1);
  await waiting;
});

test('abandons a read with its signal, and reads on', async () => {
  await store.sql('BEGIN');
  await store.sql('LOCK TABLE order_view IN ACCESS EXCLUSIVE MODE');
  const abort = new AbortController();
  const reading = store.reader.search(
    { owner: undefined, orderBy: 'total', limit: 1 },
    abort.signal,
  );
  const failure = expect(reading).rejects.toThrow('client gone');
  await eventually(
    async () => (await store.sql('SELECT FROM pg_locks WHERE NOT granted')).length > 0,
  );
  abort.abort(new Error('client gone'));
  await failure;
  await store.sql('ROLLBACK');
  await store.reader.search({ owner: undefined, orderBy: 'total', limit: 1 }, never);
});

test('reports notifications that cannot be sent and drops them', async () => {
  const errors: unknown[] = [];
  const pool = createPool({ url: 'postgres://nobody@127.0.0.1:1/none', max: 1, name: 'test' });
  const announcements = announcer(pool, postgresProjection, (error) => errors.push(error));
  for (let partition = 0; partition < 600; partition++) announcements.announce(partition, 1n);
  await announcements.settled();
  // One was on its way at once; the rest follow in as many as a payload holds.
  expect(errors).toHaveLength(4);
  await announcements.settled();
  await pool.end();
});
