import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@ordermesh/contract';
import { microsOf } from '../created-micros.ts';
import { revisionOf } from '../newest-views.ts';
import { orderWords } from '../search-words.ts';
import type { StoredOrder } from '../stored-order.ts';
import { maxCustomerRevision } from '../view-revision.ts';
import { wordTokens } from './word-tokens.ts';

/** Fields of {@link StoredDocument}. */
export const storedFields = ['doc', 'partition', 'traceparent', 'tracestate'];

/** What is read back of a document. */
export interface StoredDocument {
  readonly doc: string;
  readonly partition: number;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** A document as the port wants it. @param version of the document: the view revision, below 2^52, so exact as a number */
export function fromDocument(source: StoredDocument, version: number): StoredOrder {
  return {
    order: fromBinary(OrderSchema, Buffer.from(source.doc, 'base64')),
    partition: source.partition,
    customerRevision: Number(BigInt(version) & BigInt(maxCustomerRevision)),
    traceparent: source.traceparent,
    tracestate: source.tracestate,
  };
}

/** Action and document of a bulk request. Numbers beyond 2^53 are texts, which a `long` takes exactly. */
export function viewItem(stored: StoredOrder) {
  const { order } = stored;
  if (!order.createdAt || !order.total)
    throw new TypeError(`the view of ${order.orderId} lacks its time or total`);
  const document = {
    order_id: order.orderId,
    partition: stored.partition,
    status: order.status,
    enrichment: order.enrichment,
    customer_id: order.customerId,
    currency_code: order.total.currencyCode,
    total: String(order.total.minorUnits),
    created_at: String(microsOf(order.createdAt)),
    words: wordTokens(orderWords(order)).join(' '),
    doc: Buffer.from(toBinary(OrderSchema, order)).toString('base64'),
    traceparent: stored.traceparent,
    tracestate: stored.tracestate,
  };
  const version = Number(revisionOf(stored));
  return {
    id: order.orderId,
    action: { index: { _id: order.orderId, version, version_type: 'external' } },
    document,
  };
}
