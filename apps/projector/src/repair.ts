import { type OrderViewWriter, type StoredOrder, withCustomer } from '@ordermesh/read-model';
import type { Customers } from './customers.ts';

/** Looks up again the customers that a partition's views lack. */
export interface Repair {
  /** Told about every view written, so that it need not look where nothing is missing. */
  wrote(orders: readonly StoredOrder[]): void;
  /** Does a little if it is time to; returns the views that it completed. */
  step(signal: AbortSignal): Promise<readonly StoredOrder[]>;
}

const pageOf = 100;
/** An unknown customer usually registers soon after the order, or never. */
const unknownPauseMs = { least: 2_000, most: 60_000 };

type Kind = 'pending' | 'unknown';

/** How far one pass over the views of a kind is. */
interface Sweep {
  /** False once a sweep found nothing. True at first: whoever owned the partition before may have left some. */
  maybe: boolean;
  /** Last order id seen, undefined between two sweeps. */
  after: string | undefined;
  found: boolean;
  completed: boolean;
}

const newSweep = (maybe: boolean): Sweep => ({
  maybe,
  after: undefined,
  found: false,
  completed: false,
});

/**
 * The views themselves are the queue: no repair table to keep in step. PENDING ones are tried at every step; CUSTOMER_UNKNOWN ones in
 * sweeps whose pause doubles from 2 s to 60 s while nothing is found. A view that was never incomplete costs nothing. To be stepped
 * between batches by the partition's owner, so it never runs beside a write of the same partition.
 * @param now monotonic milliseconds
 */
export function repair(
  partition: number,
  views: OrderViewWriter,
  customers: Customers,
  now: () => number = () => performance.now(),
): Repair {
  const sweeps: Record<Kind, Sweep> = { pending: newSweep(true), unknown: newSweep(true) };
  let pauseMs = unknownPauseMs.least;
  let unknownAt = now();

  async function page(kind: Kind, signal: AbortSignal): Promise<readonly StoredOrder[]> {
    const sweep = sweeps[kind];
    const request = { partitions: [partition], kind, after: sweep.after, limit: pageOf };
    const found = await views.incomplete(request);
    const lookups = await customers.lookup(
      found.map(({ order }) => order.customerId),
      signal,
    );
    const completed = found
      .map((stored) => withCustomer(stored, lookups.get(stored.order.customerId) ?? 'pending'))
      .filter((stored, i) => stored !== found[i]);
    signal.throwIfAborted();
    if (completed.length > 0) await views.writeEnrichment(completed);
    note(completed);
    sweep.found ||= found.length > 0;
    sweep.completed ||= completed.length > 0;
    sweep.after = found.length < pageOf ? undefined : found.at(-1)?.order.orderId;
    if (sweep.after === undefined) ended(kind);
    return completed;
  }

  function note(orders: readonly StoredOrder[]): void {
    for (const { customerRevision } of orders) {
      if (customerRevision === 0) sweeps.pending.maybe = true;
      if (customerRevision === 1) {
        sweeps.unknown.maybe = true;
        pauseMs = unknownPauseMs.least;
        unknownAt = Math.min(unknownAt, now() + pauseMs);
      }
    }
  }

  function ended(kind: Kind): void {
    const { found, completed } = sweeps[kind];
    sweeps[kind] = newSweep(found);
    if (kind === 'pending') return;
    pauseMs = completed ? unknownPauseMs.least : Math.min(pauseMs * 2, unknownPauseMs.most);
    unknownAt = now() + pauseMs;
  }

  return {
    wrote: note,
    async step(signal) {
      if (sweeps.pending.maybe) return page('pending', signal);
      const due = sweeps.unknown.maybe && now() >= unknownAt;
      return due ? page('unknown', signal) : [];
    },
  };
}
