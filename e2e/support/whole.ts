import { OrderStatus } from '@ordermesh/contract';
import { eventually } from '@ordermesh/testing';
import { expect } from 'vitest';
import { rest } from './api.ts';
import { rowsOf } from './database.ts';
import type { Acknowledged, Ledger } from './ledger.ts';
import type { Mesh } from './mesh.ts';

interface EventRow {
  readonly position: string;
  readonly orderId: string;
  readonly version: number;
  readonly type: string;
}

interface ViewRow {
  readonly orderId: string;
  readonly version: number;
  readonly position: string;
  readonly status: number;
}

const statusAfter: Readonly<Record<string, keyof typeof OrderStatus>> = {
  OrderCreated: 'PENDING',
  OrderConfirmed: 'CONFIRMED',
  OrderPaid: 'PAID',
  OrderShipped: 'SHIPPED',
  OrderDelivered: 'DELIVERED',
  OrderCancelled: 'CANCELLED',
};

/** What is looked at: the API at `url`, and the PostgreSQL of `dataDir`. */
type Looked = Pick<Mesh, 'url' | 'dataDir'>;

/**
 * Expects that the mesh kept every promise in `book`, and did nothing else: all commands were answered without a fault; the log holds the event of each
 * exactly once and no other, at dense positions and contiguous versions, and its key, if it had one, with it; the view holds these orders as the log has them; and the API answers each order
 * by its last token, with its history, and a repeated key with its first answer.
 */
export async function expectWhole(
  mesh: Looked,
  book: Ledger,
): Promise<{ readonly orders: number; readonly events: number }> {
  expect(book.faults).toEqual([]);
  const log = await expectLog(mesh, book.acknowledged);
  const lastOf = new Map(log.map((event) => [event.orderId, event]));
  await expectViews(mesh, lastOf);
  const commandsOf = Map.groupBy(book.acknowledged, ({ orderId }) => orderId);
  await inParallel([...commandsOf.values()], (commands) => expectAnswers(mesh, commands));
  const repeated = book.acknowledged.filter(({ attempts }) => attempts > 1).slice(-200);
  await inParallel(repeated, async ({ path, body, key = '', answer }) => {
    const again = await rest(mesh.url, 'POST', path, body, { 'idempotency-key': key });
    expect(again.body).toEqual(answer);
  });
  return { orders: lastOf.size, events: log.length };
}

async function expectLog(mesh: Looked, acknowledged: readonly Acknowledged[]) {
  const text =
    'SELECT position, stream_id AS "orderId", version, type FROM events ORDER BY position';
  const log = await rowsOf<EventRow>(mesh.dataDir, 'ordermesh_log', text);
  expect(log.filter(({ position }, i) => position !== String(i + 1))).toEqual([]);
  const named = ({ orderId, version }: { orderId: string; version: number }, type: string) =>
    `${orderId} ${version} ${type}`;
  const stored = log.map((event) => named(event, event.type)).sort();
  const promised = acknowledged.map((command) => named(command, command.event)).sort();
  // As two differences, because a list of thousands says nothing.
  expect({ lost: minus(promised, stored), unasked: minus(stored, promised) }).toEqual({
    lost: [],
    unasked: [],
  });
  expect(stored).toHaveLength(promised.length);
  const [keys] = await rowsOf<{ all: number; matched: number }>(
    mesh.dataDir,
    'ordermesh_log',
    `SELECT count(*)::integer AS all, count(DISTINCT position)::integer AS matched FROM idempotency JOIN events USING (position)`,
  );
  const keyed = acknowledged.filter(({ key }) => key !== undefined).length;
  expect(keys).toEqual({ all: keyed, matched: keyed });
  return log;
}

async function expectViews(mesh: Looked, lastOf: ReadonlyMap<string, EventRow>): Promise<void> {
  const text = 'SELECT order_id AS "orderId", version, position, status FROM order_view';
  const expected = new Map(
    [...lastOf.values()].map(({ orderId, version, position, type }) => [
      orderId,
      { orderId, version, position, status: OrderStatus[statusAfter[type] as 'PENDING'] },
    ]),
  );
  let differing: unknown[] = [];
  await eventually(
    async () => {
      const views = await rowsOf<ViewRow>(mesh.dataDir, 'ordermesh_view', text);
      const found = new Map(views.map((view) => [view.orderId, view]));
      differing = [...new Set([...expected.keys(), ...found.keys()])]
        .map((orderId) => ({ expected: expected.get(orderId), found: found.get(orderId) }))
        .filter((pair) => JSON.stringify(pair.expected) !== JSON.stringify(pair.found));
      return differing.length === 0;
    },
    { withinMs: 30_000, everyMs: 250 },
  ).catch(() => undefined); // the next line says what it was
  expect(differing).toEqual([]);
  const parked = await rowsOf(mesh.dataDir, 'ordermesh_view', 'SELECT * FROM dead_letter');
  expect(parked).toEqual([]);
}

async function expectAnswers(mesh: Looked, commands: readonly Acknowledged[]): Promise<void> {
  const last = commands.at(-1) as Acknowledged;
  const path = `/v1/orders/${last.orderId}`;
  const view = await rest(mesh.url, 'GET', path, undefined, {
    'consistency-token': last.consistencyToken,
  });
  expect([view.status, view.body.order?.version, view.body.order?.status]).toEqual([
    200,
    last.version,
    `ORDER_STATUS_${statusAfter[last.event]}`,
  ]);
  const history = await rest(mesh.url, 'GET', `${path}/events`);
  const events = history.body.events?.map((event: { version: number; type: string }) => [
    event.version,
    event.type,
  ]);
  expect(events).toEqual(commands.map(({ version, event }) => [version, event]));
}

/** The elements of `all` that `others` lacks, however often it has them. */
function minus(all: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return all.filter((one) => !known.has(one));
}

/** Eight at a time. */
async function inParallel<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const one of left) await work(one);
    }),
  );
}
