import type { StoredOrder } from './stored-order.ts';
import { viewRevision } from './view-revision.ts';

/** The number that guards the write of a view. */
export const revisionOf = (stored: StoredOrder): bigint =>
  viewRevision(stored.order.version, stored.customerRevision);

/** One view per order, that with the greatest revision, by order id: stores refuse or misorder what they meet twice in one statement. */
export function newestViews(orders: readonly StoredOrder[]): StoredOrder[] {
  const newest = new Map<string, StoredOrder>();
  for (const stored of orders) {
    const { orderId } = stored.order;
    const other = newest.get(orderId);
    if (other === undefined || revisionOf(other) < revisionOf(stored)) newest.set(orderId, stored);
  }
  return [...newest.values()].sort((a, b) => (a.order.orderId < b.order.orderId ? -1 : 1));
}
