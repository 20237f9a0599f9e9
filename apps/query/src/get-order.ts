import { trace } from '@opentelemetry/api';
import { type GetOrderRequest, type Order, partitionOf, ReasonError } from '@ordermesh/contract';
import type { StoredOrder } from '@ordermesh/read-model';
import type { CallContext } from '@ordermesh/rpc';
import { attribute, linkFrom, linkMeaning } from '@ordermesh/telemetry';
import { behind, boundedWait } from './bounded-wait.ts';
import { refuseParkedEvent, wantedWrites } from './consistency.ts';
import { firstAnswer } from './first-answer.ts';
import { lookupStores, type ViewStore, type Views } from './views.ts';

/**
 * One view, never older than the caller asks for: at least `minVersion`, and containing the write of its token if that is in the order's
 * partition.
 * @throws ReasonError ORDER_NOT_FOUND; EVENTUAL_CONSISTENCY_TIMEOUT with `currentVersion`; ORDER_PARKED when the view cannot get there;
 * DEPENDENCY_UNAVAILABLE
 */
export async function getOrder(
  views: Views,
  { orderId, minVersion = 0 }: GetOrderRequest,
  call: CallContext,
): Promise<{ order: Order }> {
  const partition = partitionOf(orderId, views.partitions);
  const position = wantedWrites(call, views.partitions).get(partition) ?? 0n;
  const wanted: Wanted = { orderId, partition, minVersion, position };
  const stored = await firstAnswer(lookupStores(views), call, (store) =>
    read(store, wanted, views.minVersionWaitMs, call),
  );
  if (stored === undefined) {
    const resource = { type: 'order', name: orderId };
    throw new ReasonError('ORDER_NOT_FOUND', 'There is no order with this id.', { resource });
  }
  call.setHeader('etag', `"${stored.order.version}.${stored.customerRevision}"`);
  linkToCommand(stored);
  return { order: stored.order };
}

interface Wanted {
  readonly orderId: string;
  readonly partition: number;
  readonly minVersion: number;
  /** In the log, 0 for none. */
  readonly position: bigint;
}

async function read(
  store: ViewStore,
  wanted: Wanted,
  maxWaitMs: number,
  call: CallContext,
): Promise<StoredOrder | undefined> {
  const first = await store.reader.get(wanted.orderId, call.signal);
  if (isEnough(first, wanted)) return first;
  return boundedWait(
    call,
    maxWaitMs,
    (signal) => caughtUp(store, wanted, signal),
    () => tooLate(store, wanted, call.signal),
  );
}

function isEnough(stored: StoredOrder | undefined, { minVersion, position }: Wanted): boolean {
  if (stored === undefined) return minVersion === 0 && position === 0n;
  return stored.order.version >= minVersion && stored.order.position >= position;
}

async function caughtUp(store: ViewStore, wanted: Wanted, signal: AbortSignal) {
  const { reader, notifier } = store;
  const { orderId, partition, minVersion, position } = wanted;
  if (position > 0n) {
    // The checkpoint, not the view: the token may be of another order in this partition.
    await notifier.reached(partition, position, signal);
    await refuseParkedEvent(reader, partition, position, signal);
  }
  if (minVersion === 0) return reader.get(orderId, signal);
  await refuseParkedOrder(store, wanted, signal);
  return notifier.forOrder({ orderId, partition, minVersion }, signal);
}

/** How far the view is, for the caller whose time is over; the order may have been parked meanwhile. */
async function tooLate(
  store: ViewStore,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<ReasonError> {
  const { reader } = store;
  const { orderId, partition, minVersion, position } = wanted;
  if (minVersion > 0) await refuseParkedOrder(store, wanted, signal);
  const current = await reader.get(orderId, signal);
  const currentVersion = String(current?.order.version ?? 0);
  if (position === 0n) return behind({ currentVersion });
  const currentPosition = String(await reader.checkpoint(partition, signal));
  return behind({ currentVersion, currentPosition });
}

async function refuseParkedOrder(
  { reader }: ViewStore,
  { orderId, partition, minVersion }: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const first = await reader.parkedOrder(partition, orderId, signal);
  if (first === undefined || first.version > minVersion) return;
  const message =
    'An event of this order could not be projected and waits for an operator; its view stays older.';
  throw new ReasonError('ORDER_PARKED', message, { resource: { type: 'order', name: orderId } });
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
