import { OrderQueryService } from '@ordermesh/contract';
import { type Implementation, implement } from '@ordermesh/rpc';
import { getOrder } from './get-order.ts';
import { orderLookup } from './order-lookup.ts';
import { listOrders, searchOrders } from './order-pages.ts';
import type { Views } from './views.ts';

/** OrderQueryService over the views. */
export function queryService(views: Views): Implementation {
  const lookup = orderLookup(views);
  return implement(OrderQueryService, {
    getOrder: (request, call) => getOrder(lookup, views.partitions, request, call),
    listOrders: (request, call) => listOrders(views, request, call),
    searchOrders: (request, call) => searchOrders(views, request, call),
  });
}
