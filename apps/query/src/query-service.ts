import { OrderQueryService, ReasonError } from '@ordermesh/contract';
import { isPassing } from '@ordermesh/postgres';
import { type CallContext, type Implementation, implement } from '@ordermesh/rpc';
import { getOrder } from './get-order.ts';
import { listOrders, searchOrders } from './order-pages.ts';
import type { Views } from './views.ts';

/** OrderQueryService over the views. */
export function queryService(views: Views): Implementation {
  const answering =
    <Request, Answer>(
      run: (views: Views, request: Request, call: CallContext) => Promise<Answer>,
    ) =>
    (request: Request, call: CallContext) =>
      run(views, request, call).catch((error: unknown) => {
        throw isPassing(error) ? unavailable(error) : error;
      });
  return implement(OrderQueryService, {
    getOrder: answering(getOrder),
    listOrders: answering(listOrders),
    searchOrders: answering(searchOrders),
  });
}

function unavailable(cause: unknown): ReasonError {
  const message = 'The order views are not available at the moment: try again.';
  return new ReasonError('DEPENDENCY_UNAVAILABLE', message, { cause, retryAfterMs: 1000 });
}
