import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Order } from '@ordermesh/contract';
import { microsOf } from './created-micros.ts';
import type { Keyset, OrderBy } from './order-view-reader.ts';

/**
 * The keyset behind an order, for a page that ends with it.
 * @param rank the store's own text for how well the order matches; counts for `relevance` only
 */
export function keysetBehind(order: Order, rank: string, orderBy: OrderBy): Keyset {
  switch (orderBy) {
    case 'createdAt':
    case 'createdAt desc':
      return [String(microsOf(order.createdAt as Timestamp)), order.orderId];
    case 'total':
    case 'total desc':
      return [String(order.total?.minorUnits), order.orderId];
    case 'relevance':
      return [rank, order.orderId];
  }
}

/** Sort value and order id of a keyset. @throws TypeError if it is none */
export function keysetParts(after: Keyset): [value: string, orderId: string] {
  const [value, orderId] = after;
  if (value === undefined || orderId === undefined) throw new TypeError('a keyset has two values');
  return [value, orderId];
}
