import { randomUUID } from 'node:crypto';
import { type LogDivergedError, type LogRow, ReasonError, toMessage } from '@ordermesh/contract';
import { embeddedBus } from '@ordermesh/messaging';
import { postgresProjection } from '@ordermesh/read-model';
import { metricsText } from '@ordermesh/telemetry';
import { eventually } from '@ordermesh/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FeedFixture, feedFixture, orderRows } from '../test/order-log.ts';
import { type ScriptedCustomers, scriptedCustomers } from '../test/scripted-customers.ts';
import { type ViewStore, viewStore } from '../test/view-store.ts';
import { projection } from './projection.ts';
import { type ReadLogPoint, sameLog } from './same-log.ts';
import { type UntilDiverged, untilDiverged } from './until-diverged.ts';

const partitions = 2;
const { signal } = new AbortController();
let store: ViewStore;
let service: ScriptedCustomers;
let log: FeedFixture;
let consumers: UntilDiverged;

beforeEach(async () => {
  [store, service, log] = await Promise.all([viewStore(), scriptedCustomers({}), feedFixture()]);
  consumers = untilDiverged();
});
afterEach(async () => {
  await log?.[Symbol.asyncDispose]();
  await service?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
});

const handlerOf = (
  readPoint: ReadLogPoint = log.point,
  onDiverged: (error: LogDivergedError) => void = () => undefined,
) =>
  projection({
    name: postgresProjection,
    views: store.writer,
    customers: service.customers,
    readStretch: () => Promise.reject(new Error('nothing is missing')),
    readPoint,
    onDiverged,
  });
const consume = (readPoint?: ReadLogPoint) => {
  const bus = embeddedBus({
    ...{ logUrl: log.url, viewUrl: store.database.url, partitions },
    pollEveryMs: 20,
  });
  const group = { group: postgresProjection, idleEveryMs: 20 };
  return consumers.start((onDiverged) =>
    bus.consume({ ...group, handler: handlerOf(readPoint, onDiverged) }),
  );
};
const reached = (position: bigint) =>
  eventually(async () => (await store.writer.checkpoint(0)).position === position);
const diverged = (why = /^LOG_DIVERGED: orders-pg@000001 has event .* at position 8/) =>
  eventually(() => {
    expect(() => consumers.check()).toThrow(why);
    return true;
  });
const unavailable: ReadLogPoint = () =>
  Promise.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'gone'));

/** So many new orders of partition 0 at the positions behind `after`. */
function orders(after: number, count: number): LogRow[] {
  const rows = orderRows(partitions);
  return Array.from({ length: after + count }, () => rows.created(0, randomUUID())).slice(after);
}
const inViews = async (rows: readonly LogRow[]) =>
  (await store.writer.load(rows.map(({ streamId }) => streamId))).size;

/** Eight orders, in the log and in the views of a consumer that has ended. */
async function projected(readPoint?: ReadLogPoint): Promise<void> {
  await log.append(orders(0, 8));
  await using _consumer = await consume(readPoint);
  await reached(8n);
}

it.each([
  ['ends there', 0],
  ['went on, not as far', 2],
  ['went on as far', 3],
  ['went on beyond', 9],
])('stops at its start when the log lost its last events and %s', async (_what, count) => {
  await projected();
  await log.rollBack(5);
  const others = orders(5, count);
  await log.append(others);
  await using consumer = await consume();
  await diverged();
  await eventually(() => consumer.partitions().size === 0); // it left: nobody tries again
  expect(await metricsText()).toMatch(/^ordermesh_log_diverged 1$/m);
  expect(await inViews(others)).toBe(0);
  expect((await store.writer.checkpoint(0)).position).toBe(8n);
});

it('stops at its start on another log', async () => {
  await projected();
  await using _consumer = await consume(async (position) => ({
    ...(await log.point(position)),
    logId: randomUUID(),
  }));
  await diverged(/^LOG_DIVERGED: orders-pg@000001 has events of log .*, this is log /);
});

it.each([
  ['lie in other partitions', 1],
  ['lie in its own', 0],
])(
  'stops while it runs, before it writes any of the other events, when they %s',
  async (_what, partition) => {
    await log.append(orders(0, 8));
    await using consumer = await consume();
    await reached(8n);
    await log.rollBack(5);
    const others = orders(5, 6).map((row) => (row.position <= 8n ? { ...row, partition } : row));
    await log.append(others);
    await diverged();
    await eventually(() => consumer.partitions().size === 0);
    // The other partition has lost nothing, and may have gone on.
    expect(await inViews(others.filter((row) => row.partition === 0))).toBe(0);
  },
);

it('stops while it runs and nothing comes, at the next comparison', async () => {
  await projected();
  const same = sameLog({
    ...{ name: 'orders-pg@000001', readPoint: log.point, everyMs: 0 },
    first: await store.writer.checkpoint(0),
  });
  const last = await store.writer.checkpoint(0);
  await same.check(last, signal);
  await log.rollBack(5);
  await expect(same.check(last, signal)).rejects.toThrow(/the log ends before it/);
});

it('goes on while the log cannot be asked, and compares what it began with as soon as it can', async () => {
  await projected();
  await log.rollBack(5);
  await log.append(orders(5, 3));
  let readPoint = unavailable;
  await using _consumer = await consume((...args) => readPoint(...args));
  await log.append(orders(8, 2)); // behind what the views have: the bus alone cannot tell
  await reached(10n);
  consumers.check();
  readPoint = log.point;
  await diverged();
});

it('takes a message that contradicts its views for foreign when the log says so', async () => {
  await projected();
  const handler = handlerOf();
  await handler.assigned(0, signal);
  const [next] = orders(8, 1) as [LogRow];
  const foreign = toMessage(next, 3n); // as if the log had nothing at position 8
  await handler.batch({ partition: 0, messages: [foreign], signal });
  expect((await store.writer.checkpoint(0)).position).toBe(9n);
});

it('waits with such a message while the log cannot be asked', async () => {
  await projected();
  const handler = handlerOf(unavailable);
  await handler.assigned(0, signal);
  const messages = [toMessage(orders(8, 1)[0] as LogRow, 3n)];
  await expect(handler.batch({ partition: 0, messages, signal })).rejects.toThrow('gone');
  expect((await store.writer.checkpoint(0)).position).toBe(8n);
});

it('does not fill a stretch from a log that has diverged', async () => {
  await projected();
  let asked = 0;
  const handler = handlerOf(async (position) => {
    if (asked++ > 0) await log.rollBack(5); // after the first comparison
    return log.point(position);
  });
  await handler.assigned(0, signal);
  const messages = [toMessage(orders(8, 4)[3] as LogRow, 11n)];
  const batch = () => handler.batch({ partition: 0, messages, signal });
  await expect(batch()).rejects.toThrow(/^LOG_DIVERGED/);
  await expect(batch()).rejects.toThrow(/^LOG_DIVERGED/); // and asks nobody any more
  expect(asked).toBe(2);
});

it('takes a first start, an empty log, restarts and a lost view for the same log', async () => {
  for (const [from, to] of [
    [0, 0],
    [0, 4],
    [4, 4],
    [4, 7],
  ] as const) {
    await log.append(orders(from, to - from));
    await using consumer = await consume();
    await reached(BigInt(to));
    await eventually(() => consumer.partitions().size === partitions);
    consumers.check();
  }
  const { logId, eventId } = await store.writer.checkpoint(0);
  expect({ logId, eventId }).toEqual(await log.point(7n));
  await store.rows('TRUNCATE projection_checkpoint, order_view, ordermesh_bus.lease');
  await using _consumer = await consume();
  await log.append(orders(7, 1));
  await eventually(async () => (await store.writer.checkpoint(0)).position === 8n);
  consumers.check();
});
