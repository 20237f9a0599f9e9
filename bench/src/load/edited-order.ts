import { randomUUID } from 'node:crypto';
import { partitionOf } from '@ordermesh/contract';
import type { Client } from 'pg';
import { lifeOf } from '../orders/fill-orders.ts';
import { partitions } from '../postgres/log-database.ts';

/** An order that is edited again and again: its first event, then items in other quantities. */
export interface EditedOrder {
  readonly orderId: string;
  /** Of event n, from 1: type, and protobuf JSON. */
  event(version: number): { readonly type: string; readonly data: string };
}

const products = 20;

/** A new one. */
export function editedOrder(): EditedOrder {
  const productIds = Array.from({ length: products }, () => randomUUID());
  const created = lifeOf(randomUUID()).OrderCreated;
  return {
    orderId: randomUUID(),
    event(version) {
      if (version === 1) return { type: 'OrderCreated', data: created };
      const item = {
        productId: productIds[version % products],
        productName: 'Green tea',
        quantity: 1 + Math.floor(version / products),
        unitPrice: { currencyCode: 'USD', minorUnits: '100' },
      };
      const total = { currencyCode: 'USD', minorUnits: String(2400 + 100 * version) };
      const data = JSON.stringify({ item, addedQuantity: 1, total });
      return { type: 'OrderItemAdded', data };
    },
  };
}

/** Puts events `from` to `to` of an order at the end of the log, as if they had been appended. */
export async function fillEdited(
  client: Client,
  order: EditedOrder,
  from: number,
  to: number,
): Promise<void> {
  const events = Array.from({ length: to - from + 1 }, (_, i) => order.event(from + i));
  await client.query(
    `INSERT INTO events (
       position, stream_id, version, partition, schema_version, type, event_id, occurred_at, actor_subject, actor_service, correlation_id, data)
     SELECT (SELECT coalesce(max(position), 0) FROM events) + e.ordinal, $1, $2::integer + e.ordinal - 1, $3, 1, e.type, uuidv7(), now(),
       'anonymous', 'gateway', $1, e.data
     FROM unnest($4::text[], $5::jsonb[]) WITH ORDINALITY AS e (type, data, ordinal)`,
    [
      order.orderId,
      from,
      partitionOf(order.orderId, partitions),
      events.map(({ type }) => type),
      events.map(({ data }) => data),
    ],
  );
}
