import { ReasonError } from '@ordermesh/contract';
import type { Owner, StoredOrder } from '@ordermesh/read-model';
import type { CallContext } from '@ordermesh/rpc';
import { behind, boundedWait } from './bounded-wait.ts';
import { refuseParkedEvent } from './consistency.ts';
import { flightKey, type SingleFlight } from './single-flight.ts';
import type { ViewStore } from './views.ts';

/** One order, and how new its view has to be. */
export interface Wanted {
  readonly orderId: string;
  readonly owner: Owner;
  readonly partition: number;
  /** 0 for any. */
  readonly minVersion: number;
  /** In the log, 0 for none. */
  readonly position: bigint;
}

/**
 * What a store has of an order, as soon as that is new enough.
 * @param flights shares the store's answers among those who want the same; each waits by the deadline of its own call
 * @throws ReasonError EVENTUAL_CONSISTENCY_TIMEOUT with `currentVersion`; ORDER_PARKED when the view cannot get there; the store's error
 */
export async function storeLookup(
  store: ViewStore,
  wanted: Wanted,
  maxWaitMs: number,
  call: CallContext,
  flights: SingleFlight<StoredOrder | undefined>,
): Promise<StoredOrder | undefined> {
  const { orderId, owner, minVersion, position } = wanted;
  const key = flightKey([orderId, minVersion, position], owner);
  const first = await flights.join(`now ${key}`, call.signal, (signal) =>
    store.reader.get(orderId, owner, signal),
  );
  if (isEnough(first, wanted)) return first;
  return boundedWait(
    call,
    maxWaitMs,
    (caller) => flights.join(`later ${key}`, caller, (signal) => caughtUp(store, wanted, signal)),
    () => tooLate(store, wanted, call.signal),
  );
}

/** Whether a view is new enough. */
export function isEnough(
  stored: StoredOrder | undefined,
  { minVersion, position }: Wanted,
): boolean {
  if (stored === undefined) return minVersion === 0 && position === 0n;
  return stored.order.version >= minVersion && stored.order.position >= position;
}

async function caughtUp(store: ViewStore, wanted: Wanted, signal: AbortSignal) {
  const { reader, notifier } = store;
  const { orderId, owner, partition, minVersion, position } = wanted;
  if (position > 0n) {
    // The checkpoint, not the view: the token may be of another order in this partition.
    await notifier.reached(partition, position, signal);
    await refuseParkedEvent(reader, partition, position, signal);
  }
  if (minVersion === 0) return reader.get(orderId, owner, signal);
  await refuseParkedOrder(store, wanted, signal);
  return notifier.forOrder({ orderId, owner, partition, minVersion }, signal);
}

/** How far the view is, for the caller whose time is over; the order may have been parked meanwhile. */
async function tooLate(
  store: ViewStore,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<ReasonError> {
  const { reader } = store;
  const { orderId, owner, partition, minVersion, position } = wanted;
  if (minVersion > 0) await refuseParkedOrder(store, wanted, signal);
  const current = await reader.get(orderId, owner, signal);
  const currentVersion = String(current?.order.version ?? 0);
  if (position === 0n) return behind({ currentVersion });
  const currentPosition = String(await reader.checkpoint(partition, signal));
  return behind({ currentVersion, currentPosition });
}

async function refuseParkedOrder(
  { reader }: ViewStore,
  { orderId, owner, partition, minVersion }: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const first = await reader.parkedOrder(partition, orderId, owner, signal);
  if (first === undefined || first.version > minVersion) return;
  const message =
    'An event of this order could not be projected and waits for an operator; its view stays older.';
  throw new ReasonError('ORDER_PARKED', message, { resource: { type: 'order', name: orderId } });
}
