import { OrderQueryService } from '@ordermesh/contract';
import { type Implementation, implement } from '@ordermesh/rpc';
import { announceFallback } from './first-answer.ts';
import { getOrder } from './get-order.ts';
import { orderLookup } from './order-lookup.ts';
import { listOrders, searchOrders } from './order-pages.ts';
import type { Views } from './views.ts';

/** OrderQueryService over the views. */
export function queryService(views: Views): Implementation {
  const lookup = orderLookup(views);
  // Each of the two stands in for the other.
  if (views.elasticsearch)
    for (const store of [views.postgresql, views.elasticsearch]) announceFallback(store);
  return implement(OrderQueryService, {
    getOrder: (request, call) => getOrder(lookup, views.partitions, request, call),
    listOrders: (request, call) => listOrders(views, request, call),
    searchOrders: (request, call) => searchOrders(views, request, call),
  });
}
