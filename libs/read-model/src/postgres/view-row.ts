import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@ordermesh/contract';
import { isoOfMicros, microsOf } from '../created-micros.ts';
import { newestViews, revisionOf } from '../newest-views.ts';
import { orderWords } from '../search-words.ts';
import type { StoredOrder } from '../stored-order.ts';
import { maxCustomerRevision } from '../view-revision.ts';

/** Columns of {@link StoredRow}. */
export const storedColumns = 'doc, revision, partition, traceparent, tracestate';

/** One row as node-postgres gives it. */
export interface StoredRow {
  readonly doc: Buffer;
  /** bigint, as text. */
  readonly revision: string;
  readonly partition: number;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

/** A row as the port wants it. */
export function fromRow(row: StoredRow): StoredOrder {
  return {
    order: fromBinary(OrderSchema, row.doc),
    partition: row.partition,
    customerRevision: Number(BigInt(row.revision) & BigInt(maxCustomerRevision)),
    traceparent: row.traceparent ?? undefined,
    tracestate: row.tracestate ?? undefined,
  };
}

/**
 * Rows of the upsert's JSON parameter: one per order, because ON CONFLICT refuses to meet a row twice; sorted by id, so that two writers lock
 * rows in the same order.
 */
export const toRows = (orders: readonly StoredOrder[]) => newestViews(orders).map(toRow);

function toRow(stored: StoredOrder) {
  const { order } = stored;
  if (!order.createdAt || !order.updatedAt || !order.total)
    throw new TypeError(`the view of ${order.orderId} lacks its times or total`);
  return {
    order_id: order.orderId,
    // As text: JSON's numbers are exact in PostgreSQL, but JSON.stringify takes no bigint.
    revision: String(revisionOf(stored)),
    version: order.version,
    position: String(order.position),
    partition: stored.partition,
    status: order.status,
    customer_id: order.customerId,
    currency_code: order.total.currencyCode,
    total: String(order.total.minorUnits),
    created_at: isoOfMicros(microsOf(order.createdAt)),
    updated_at: isoOfMicros(microsOf(order.updatedAt)),
    enrichment: order.enrichment,
    doc: Buffer.from(toBinary(OrderSchema, order)).toString('base64'),
    traceparent: stored.traceparent,
    tracestate: stored.tracestate,
    search_text: orderWords(order).join(' '),
  };
}
