import {
  type BusMessage,
  contradicts,
  header,
  type LastEvent,
  LogDivergedError,
  lastEventOf,
} from '@ordermesh/contract';
import type { BatchHandler } from '@ordermesh/messaging';
import type { OrderViewWriter, ParkedOrder, StoredOrder } from '@ordermesh/read-model';
import { RefusedViewsError, withCustomer } from '@ordermesh/read-model';
import { attribute, counter, gauge, logger } from '@ordermesh/telemetry';
import { LRUCache } from 'lru-cache';
import { type ReadStretch, wholeChain } from './chain.ts';
import type { Customers } from './customers.ts';
import { foldBatch } from './fold-batch.ts';
import { type Repair, repair } from './repair.ts';
import { type ReadLogPoint, type SameLog, sameLog } from './same-log.ts';
import type { OnDiverged } from './until-diverged.ts';

const log = logger('projection');
const lag = gauge('ordermesh.projection.lag', {
  description: 'Age of the newest event that a view contains, when it was written.',
  unit: 's',
});
const deadLetters = counter('dead_letter.messages', { description: 'Events put aside.' });

/** What a projection works with. */
export interface ProjectionOptions {
  /** With its generation, e.g. `orders-pg@000001`. */
  readonly name: string;
  readonly views: OrderViewWriter;
  readonly customers: Customers;
  readonly readStretch: ReadStretch;
  readonly readPoint: ReadLogPoint;
  /** Called when the log turns out to be another one than the views were made from. From then on everything rejects, and nothing is written. */
  readonly onDiverged: OnDiverged;
}

/** What the owner of a partition knows of it; gone when the partition is revoked, because another owner writes then. */
interface Partition {
  last: LastEvent;
  readonly sameLog: SameLog;
  readonly parked: Map<string, ParkedOrder>;
  readonly cache: LRUCache<string, StoredOrder>;
  readonly repair: Repair;
}

/**
 * Keeps one store of views up with the log. Each batch is folded in memory and written once, together with its checkpoint; the bus's own
 * offset follows later and may be behind, never ahead of what counts.
 */
export function projection(options: ProjectionOptions): BatchHandler {
  return stoppedByDivergence(unguarded(options), options.onDiverged);
}

/** The handler, until one of its calls finds that the log has diverged: then all reject with that. */
function stoppedByDivergence(
  handler: Required<BatchHandler>,
  onDiverged: OnDiverged,
): BatchHandler {
  let diverged: LogDivergedError | undefined;
  const guarded =
    <A extends unknown[]>(call: (...args: A) => Promise<void>) =>
    async (...args: A) => {
      if (diverged !== undefined) throw diverged;
      try {
        await call(...args);
      } catch (error) {
        if (error instanceof LogDivergedError) {
          diverged ??= error;
          onDiverged(diverged);
        }
        throw error;
      }
    };
  const { assigned, batch, idle, revoked } = handler;
  return {
    assigned: guarded(assigned),
    batch: guarded(batch),
    // The bus would log it once more, and has nothing to try again.
    idle: (partition, signal) => guarded(idle)(partition, signal).catch(unlessDiverged),
    revoked,
  };
}

const unlessDiverged = (error: unknown) => {
  if (!(error instanceof LogDivergedError)) throw error;
};

function unguarded(options: ProjectionOptions): Required<BatchHandler> {
  const { name, views, customers, readPoint } = options;
  const partitions = new Map<number, Partition>();

  const owned = (partition: number): Partition => {
    const found = partitions.get(partition);
    if (found === undefined) throw new Error(`partition ${partition} is not assigned`);
    return found;
  };

  async function apply(partition: number, messages: readonly BusMessage[], signal: AbortSignal) {
    const state = owned(partition);
    const current = await currentViews(views, state, messages);
    const last = messages.at(-1) as BusMessage;
    const lastEvent = lastEventOf(last, state.sameLog.logId());
    const refused = new Map<string, string>();
    const write = async () => {
      const now = new Date();
      const { changed, dead, parked } = foldBatch(messages, current, state.parked, now, refused);
      const orders = await withCustomers(customers, [...changed.values()], signal);
      signal.throwIfAborted();
      await views.write({ partition, ...lastEvent, orders, dead });
      return { orders, dead, parked };
    };
    const { orders, dead, parked } = await untilNoneRefused(write, refused);

    state.last = lastEvent;
    for (const [orderId, first] of parked) state.parked.set(orderId, first);
    for (const stored of orders) state.cache.set(stored.order.orderId, stored);
    state.repair.wrote(orders);
    if (dead.length > 0) reportDead(name, dead.length, parked);
    const ageMs = Date.now() - Date.parse(last.headers[header.time] ?? '');
    if (Number.isFinite(ageMs)) lag.record(ageMs / 1000, { [attribute.projection]: name });
  }

  return {
    async assigned(partition, signal) {
      const [last, parked] = await Promise.all([
        views.checkpoint(partition),
        views.parked(partition),
      ]);
      const same = sameLog({ name, readPoint, first: last });
      await same.check(last, signal);
      partitions.set(partition, {
        last,
        sameLog: same,
        parked: new Map(parked),
        cache: new LRUCache({ max: 1_000 }),
        repair: repair(partition, views, customers),
      });
    },
    async batch({ partition, messages, signal }) {
      const state = owned(partition);
      if (state.sameLog.isPending()) await state.sameLog.check(state.last, signal);
      // They may also be foreign to this log: it says which.
      if (contradicts(messages, state.last)) await state.sameLog.require(state.last, signal);
      const readStretch: ReadStretch = async (partition, after, signal) => {
        await state.sameLog.require(state.last, signal); // the bus has nothing that could contradict
        return options.readStretch(partition, after, signal);
      };
      for await (const run of wholeChain(messages, state.last.position, readStretch, signal))
        await apply(partition, run, signal);
    },
    async idle(partition, signal) {
      const { cache, last, repair, sameLog } = owned(partition);
      await sameLog.check(last, signal);
      for (const stored of await repair.step(signal)) cache.set(stored.order.orderId, stored);
    },
    async revoked(partition) {
      partitions.delete(partition);
    },
  };
}

/** Writes again, without the orders whose views were refused, as long as more of them turn up. */
async function untilNoneRefused<T>(
  write: () => Promise<T>,
  refused: Map<string, string>,
): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof RefusedViewsError)) throw error;
      const known = refused.size;
      for (const [orderId, why] of error.orders) refused.set(orderId, why);
      if (refused.size === known) throw error;
    }
  }
}

async function currentViews(
  views: OrderViewWriter,
  { cache }: Partition,
  messages: readonly BusMessage[],
): Promise<ReadonlyMap<string, StoredOrder>> {
  const current = new Map<string, StoredOrder>();
  const missing = new Set<string>();
  for (const { key, headers } of messages) {
    const cached = cache.get(key);
    if (cached) current.set(key, cached);
    // Views and checkpoint are written together, so the first event beyond the checkpoint finds no view: half of all reads saved.
    else if (headers[header.sequence] !== '1') missing.add(key);
  }
  if (missing.size > 0)
    for (const [key, stored] of await views.load([...missing])) current.set(key, stored);
  return current;
}

async function withCustomers(
  customers: Customers,
  orders: readonly StoredOrder[],
  signal: AbortSignal,
): Promise<StoredOrder[]> {
  const bare = orders.filter(({ customerRevision }) => customerRevision < 2);
  if (bare.length === 0) return [...orders];
  const found = await customers.lookup(
    bare.map(({ order }) => order.customerId),
    signal,
  );
  return orders.map((stored) =>
    withCustomer(stored, found.get(stored.order.customerId) ?? 'pending'),
  );
}

function reportDead(name: string, events: number, parked: ReadonlyMap<string, ParkedOrder>): void {
  deadLetters.add(events, { [attribute.projection]: name });
  for (const [orderId, { position }] of parked)
    log.error(
      { projection: name, orderId, position: String(position) },
      'order parked: its event can never be applied',
    );
}
