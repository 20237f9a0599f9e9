import type { Order } from '@ordermesh/contract';
import { isShownTo, type Owner } from '@ordermesh/read-model';

/**
 * The last wall before an answer. Stores and cache have left out what is not the owner's; should one ever not, its caller gets an error, and the
 * log says so, instead of somebody else's order. Some nanoseconds for each order.
 * @throws Error which callers see as INTERNAL
 */
export function requireOwn(owner: Owner, orders: readonly Order[]): void {
  const foreign = orders.find((order) => !isShownTo(owner, order));
  if (foreign)
    throw new Error(`order ${foreign.orderId} was about to be shown to another customer`);
}
