import { trace } from '@opentelemetry/api';
import { ownerOf } from '@ordermesh/auth';
import { type GetOrderRequest, type Order, partitionOf, ReasonError } from '@ordermesh/contract';
import type { StoredOrder } from '@ordermesh/read-model';
import type { CallContext } from '@ordermesh/rpc';
import { attribute, linkFrom, linkMeaning } from '@ordermesh/telemetry';
import { wantedWrites } from './consistency.ts';
import type { OrderLookup } from './order-lookup.ts';
import { requireOwn } from './require-own.ts';

/**
 * One view, never older than the caller asks for: at least `minVersion`, and containing the write of its token if that is in the order's
 * partition. One that is not the caller's own is not found, however it is asked for.
 * @param partitions of the bus
 * @throws ReasonError ORDER_NOT_FOUND; EVENTUAL_CONSISTENCY_TIMEOUT with `currentVersion`; ORDER_PARKED when the view cannot get there;
 * DEPENDENCY_UNAVAILABLE
 */
export async function getOrder(
  lookup: OrderLookup,
  partitions: number,
  { orderId, minVersion = 0 }: GetOrderRequest,
  call: CallContext,
): Promise<{ order: Order }> {
  const owner = ownerOf(call.principal);
  const partition = partitionOf(orderId, partitions);
  const position = wantedWrites(call, partitions).get(partition) ?? 0n;
  const stored = await lookup({ orderId, owner, partition, minVersion, position }, call);
  if (stored === undefined) {
    const resource = { type: 'order', name: orderId };
    throw new ReasonError('ORDER_NOT_FOUND', 'There is no order with this id.', { resource });
  }
  requireOwn(owner, [stored.order]);
  call.setHeader('etag', `"${stored.order.version}.${stored.customerRevision}"`);
  linkToCommand(stored);
  return { order: stored.order };
}

/** The trace of a read links to the trace of the command whose outcome it shows. */
function linkToCommand({ order, traceparent, tracestate }: StoredOrder): void {
  const span = trace.getActiveSpan();
  span?.setAttributes({
    [attribute.orderId]: order.orderId,
    [attribute.orderVersion]: order.version,
  });
  const link = linkFrom(traceparent, tracestate, { [attribute.link]: linkMeaning.producedBy });
  if (link) span?.addLink(link);
}
