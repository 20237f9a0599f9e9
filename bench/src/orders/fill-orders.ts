import { randomUUID } from 'node:crypto';
import { create, toJsonString } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { eventSchemas, partitionOf } from '@ordermesh/contract';
import type { Client } from 'pg';

/** Where every order goes. */
export const shippingAddress = {
  recipient: 'Ada Lovelace',
  line1: '12 St James’s Square',
  city: 'London',
  postalCode: 'SW1Y 4JH',
  countryCode: 'GB',
};

/** Events of an order that was delivered. */
export const eventsPerOrder = 5;
/** Orders whose events alternate in the log: as many events in a row are of as many orders, so no batch profits of neighbours. */
const abreast = 250;

/** What {@link fillOrders} takes. */
export interface FillOrders {
  /** A multiple of 250. */
  readonly orders: number;
  /** Of the log. */
  readonly partitions: number;
  readonly customerId?: string;
}

/** Puts orders into the log, from creation to delivery, as if they had been appended; consumers are not notified. Not analysed. */
export async function fillOrders(
  client: Client,
  { orders, partitions, customerId = randomUUID() }: FillOrders,
): Promise<void> {
  const [types, data] = [Object.keys(lifeOf(customerId)), Object.values(lifeOf(customerId))];
  for (let done = 0; done < orders; done += chunk) {
    const ids = Array.from({ length: Math.min(chunk, orders - done) }, () => randomUUID());
    const values = [ids, ids.map((id) => partitionOf(id, partitions)), types, data];
    await client.query(insert, values);
  }
}

// A multiple of `abreast`: 50 thousand events a statement.
const chunk = 10_000;

const insert = `
  INSERT INTO events (
    position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service, correlation_id, data)
  SELECT
    (SELECT coalesce(max(position), 0) FROM events)
      + (o.ordinal - 1) / ${abreast} * ${abreast * eventsPerOrder} + (e.version - 1) * ${abreast} + (o.ordinal - 1) % ${abreast} + 1,
    o.id, e.version, o.partition, 1, e.type, uuidv7(), now(), 'anonymous', 'gateway', o.id, e.data
  FROM unnest($1::uuid[], $2::smallint[]) WITH ORDINALITY AS o (id, partition, ordinal),
    unnest($3::text[], $4::jsonb[]) WITH ORDINALITY AS e (type, data, version)
  ORDER BY 1`;

/** An order's events in protobuf JSON, as the command service writes them. */
export function lifeOf(customerId: string) {
  const unitPrice = { currencyCode: 'USD', minorUnits: 1250n };
  const total = { currencyCode: 'USD', minorUnits: 2500n };
  const created = create(eventSchemas.OrderCreated, {
    customerId,
    items: [{ productId: customerId, productName: 'Green tea', quantity: 2, unitPrice }],
    shippingAddress,
    total,
    createdAt: timestampFromMs(Date.UTC(2026, 0, 2)),
    estimatedDeliveryAt: timestampFromMs(Date.UTC(2026, 0, 7)),
  });
  const paid = create(eventSchemas.OrderPaid, { paymentId: 'pay_3NfJ8s2eZvKYlo2C', amount: total });
  return {
    OrderCreated: toJsonString(eventSchemas.OrderCreated, created),
    OrderConfirmed: '{}',
    OrderPaid: toJsonString(eventSchemas.OrderPaid, paid),
    OrderShipped: '{"trackingNumber":"1Z999AA10123456784"}',
    OrderDelivered: '{}',
  };
}
