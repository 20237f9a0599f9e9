import { randomUUID } from 'node:crypto';
import { create, toJsonString } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type BusMessage,
  type EventType,
  eventSchemas,
  type LogPoint,
  type LogRow,
  toMessage,
} from '@ordermesh/contract';
import { sampleLog } from '@ordermesh/messaging/testing';
import { createPool } from '@ordermesh/postgres';
import { testDatabase } from '@ordermesh/testing';

const unitPrice = { currencyCode: 'EUR', minorUnits: 4200n };
const chair = '"productId":"0d9c8e42-6f1b-4a57-8a3e-2f5f0c1d7e64"';
const chairPrice = '{"currencyCode":"EUR","minorUnits":"100"}';

const jsonOf: Record<Exclude<EventType, 'OrderCreated'>, string> = {
  OrderConfirmed: '{}',
  OrderPaid: '{"paymentId":"pay-1","amount":{"currencyCode":"EUR","minorUnits":"4200"}}',
  OrderShipped: '{"trackingNumber":"TRACK-1"}',
  OrderDelivered: '{}',
  OrderCancelled: '{"reason":"changed my mind"}',
  OrderItemAdded: `{"item":{${chair},"productName":"Chair","quantity":1,"unitPrice":${chairPrice}},"addedQuantity":1,"total":{"currencyCode":"EUR","minorUnits":"4300"}}`,
  OrderItemRemoved: `{${chair},"removedQuantity":1,"total":{"currencyCode":"EUR","minorUnits":"4200"}}`,
  ShippingAddressChanged: '{"shippingAddress":{"recipient":"Grace","city":"Linz"}}',
};

function createdJson(customerId: string): string {
  const message = create(eventSchemas.OrderCreated, {
    customerId,
    items: [{ productId: customerId, productName: 'Lamp', quantity: 1, unitPrice }],
    total: unitPrice,
    createdAt: timestampFromMs(Date.UTC(2026, 0, 2)),
  });
  return toJsonString(eventSchemas.OrderCreated, message);
}

/** Makes the rows of orders that live; positions are dense over all partitions. */
export function orderRows(partitions: number) {
  const made = sampleLog(partitions);
  const eventIds = new Map<bigint, string>();
  const logId = randomUUID();
  const log = {
    ...made,
    next(...args: Parameters<typeof made.next>): LogRow {
      const row = made.next(...args);
      eventIds.set(row.position, row.eventId);
      return row;
    },
  };
  return {
    /** What the command service says of a position of these rows. */
    point: async (position: bigint): Promise<LogPoint> => ({
      logId,
      eventId: eventIds.get(position),
    }),
    /** A new order of a customer. */
    created: (partition: number, customerId: string): LogRow =>
      log.next(log.orderIn(partition), { type: 'OrderCreated', data: createdJson(customerId) }),
    /** The next event of an order. */
    next: (orderId: string, type: Exclude<EventType, 'OrderCreated'>): LogRow =>
      log.next(orderId, { type, data: jsonOf[type] }),
    /** The next event of an order, of a type that nobody knows. */
    poison: (orderId: string): LogRow => log.next(orderId, { type: 'OrderLost', data: '{}' }),
  };
}

/** Rows of one partition as the bus carries them. */
export function asMessages(rows: readonly LogRow[]): BusMessage[] {
  return rows.map((row, i) => toMessage(row, rows[i - 1]?.position ?? 0n));
}

/** A database with the two things that the embedded bus uses of a log. */
export interface FeedFixture extends AsyncDisposable {
  readonly url: string;
  /** Inserts the rows and notifies, in one statement, as an append does. */
  append(rows: readonly LogRow[]): Promise<void>;
  /** Takes the rows behind a position away, as restoring an older copy does. */
  rollBack(after: number): Promise<void>;
  /** What the command service says of a position. */
  point(position: bigint): Promise<LogPoint>;
}

const schema = `
  CREATE TABLE event (
    position bigint PRIMARY KEY, partition integer, stream_id uuid, version integer, type text, schema_version integer,
    event_id uuid, occurred_at timestamptz, traceparent text, tracestate text, data text
  );
  CREATE FUNCTION read_feed(p_partition integer, p_after bigint, p_limit integer) RETURNS SETOF event LANGUAGE sql STABLE AS
    'SELECT * FROM event WHERE partition = p_partition AND position > p_after ORDER BY position LIMIT p_limit'`;

const insert = `
  WITH inserted AS (INSERT INTO event SELECT * FROM json_populate_recordset(NULL::event, $1))
  SELECT pg_notify('ordermesh_log', '')`;

/** Makes the database. */
export async function feedFixture(): Promise<FeedFixture> {
  const database = await testDatabase();
  const pool = createPool({
    url: database.url,
    max: 1,
    name: 'test-feed',
    onError: () => undefined,
  });
  await pool.query(schema);
  const logId = randomUUID();
  return {
    url: database.url,
    async append(rows) {
      const records = rows.map((row) => ({
        position: String(row.position),
        partition: row.partition,
        stream_id: row.streamId,
        version: row.version,
        type: row.type,
        schema_version: row.schemaVersion,
        event_id: row.eventId,
        occurred_at: row.occurredAt,
        data: row.data,
      }));
      await pool.query(insert, [JSON.stringify(records)]);
    },
    async rollBack(after) {
      await pool.query('DELETE FROM event WHERE position > $1', [after]);
    },
    async point(position) {
      const text = 'SELECT event_id FROM event WHERE position = $1';
      const { rows } = await pool.query(text, [position]);
      return { logId, eventId: rows[0]?.event_id };
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}
