import { type CustomerRecord, Enrichment } from '@ordermesh/contract';
import type { StoredOrder } from './stored-order.ts';
import { customerRevisions, maxCustomerRevision } from './view-revision.ts';

/** What is known of an order's customer: the service's record, `unknown` to it, or `pending` because it did not answer. */
export type CustomerLookup = CustomerRecord | 'unknown' | 'pending';

/**
 * The view with name, e-mail and enrichment after a lookup. Pure. Returns the very same object unless the lookup is newer than what the view
 * shows: an outage or a customer service that lost its data never takes a name away again.
 */
export function withCustomer(stored: StoredOrder, lookup: CustomerLookup): StoredOrder {
  const customerRevision = revisionOf(lookup);
  if (customerRevision <= stored.customerRevision) return stored;
  const order =
    typeof lookup === 'string'
      ? { ...stored.order, enrichment: Enrichment.CUSTOMER_UNKNOWN }
      : {
          ...stored.order,
          enrichment: Enrichment.DONE,
          customerName: lookup.customer?.name ?? '',
          customerEmail: lookup.customer?.email ?? '',
        };
  return { ...stored, order, customerRevision };
}

/** Capped: a customer's changes beyond the millionth are not shown, instead of running into the next order version. */
function revisionOf(lookup: CustomerLookup): number {
  return typeof lookup === 'string'
    ? customerRevisions[lookup]
    : Math.min(lookup.revision, maxCustomerRevision);
}
