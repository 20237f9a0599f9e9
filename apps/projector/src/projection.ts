import {
  type BusMessage,
  contradicts,
  header,
  isUnplaced,
  type LastEvent,
  lastEventOf,
  ReasonError,
} from '@ordermesh/contract';
import type { BatchHandler } from '@ordermesh/messaging';
import type { DeadLetter, OrderViewWriter, ParkedOrder, StoredOrder } from '@ordermesh/read-model';
import { isOrderId, RefusedViewsError, ViewsLostError, withCustomer } from '@ordermesh/read-model';
import { attribute, counter, histogram, logger, untraced } from '@ordermesh/telemetry';
import { LRUCache } from 'lru-cache';
import { type ReadStretch, wholeChain } from './chain.ts';
import type { Customers } from './customers.ts';
import { foldBatch } from './fold-batch.ts';
import { type Repair, repair } from './repair.ts';
import { revive } from './revive.ts';
import { type ReadLogPoint, type SameLog, sameLog } from './same-log.ts';
import { stoppedByDivergence } from './stopped-by-divergence.ts';
import type { OnDiverged } from './until-diverged.ts';

const log = logger('projection');
const delay = histogram('ordermesh.projection.delay', {
  description:
    'Time from an event to the view that contains it, for the newest event of each write.',
  unit: 's',
  boundaries: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
});
const deadLetters = counter('dead_letter.messages', {
  description: 'Events put aside.',
  unit: '{event}',
});

/** How soon a comparison that failed is tried again. */
const compareAgainMs = 5_000;

/** How many parked orders are tried at once: each takes two reads, and new messages wait meanwhile. */
const reviveMost = 20;

/** What a projection works with. */
export interface ProjectionOptions {
  /** With its generation, e.g. `orders-pg@000001`. */
  readonly name: string;
  readonly views: OrderViewWriter;
  readonly customers: Customers;
  readonly readStretch: ReadStretch;
  readonly readPoint: ReadLogPoint;
  /** Called when the log turns out to be another one than the views were made from. From then on whatever begins rejects, and writes nothing. */
  readonly onDiverged: OnDiverged;
  /**
   * How often a partition without news is compared with the log, and its checkpoint with the store. 30,000 by default; the first time is as soon as there
   * is nothing to read.
   */
  readonly compareEveryMs?: number;
  /** How often parked orders are tried again while there is nothing to read. 60,000 by default; the first time when a partition was gained. */
  readonly reviveEveryMs?: number;
}

/** What the owner of a partition knows of it; gone when the partition is revoked, because another owner writes then. */
interface Partition {
  /** The checkpoint. */
  last: LastEvent;
  readonly sameLog: SameLog;
  readonly parked: Map<string, ParkedOrder>;
  readonly cache: LRUCache<string, StoredOrder>;
  readonly repair: Repair;
  /** When to compare it with log and store, by `performance.now()`. */
  compareAt: number;
  /** When to try parked orders again. */
  reviveAt: number;
  /** The store lost what all this is about. */
  isLost: boolean;
}

/**
 * Keeps one store of views up with the log. Each batch is folded in memory and written once, together with its checkpoint; the bus's own
 * offset follows later and may be behind, never ahead of what counts.
 *
 * The log is the truth and the bus only the fast way: a partition without news is read on from the log, so that what the bus no longer has (retention, a
 * new group, a new store) does not wait for the partition's next event. A store that lost its views is filled from the log, too.
 */
export function projection(options: ProjectionOptions): Projection {
  const { lagMs, parked, ...handler } = unguarded(options);
  return { ...stoppedByDivergence(handler, options.onDiverged), lagMs, parked };
}

/** The consumer's handler, and how far it is. */
export interface Projection extends BatchHandler {
  /** Age in milliseconds of the oldest event that was handed over and that the views lack; 0 when there is none. */
  lagMs(): number;
  /** Orders that are parked, in the partitions owned here. */
  parked(): number;
}

function unguarded(options: ProjectionOptions): Required<Projection> {
  const { name, views, customers, readPoint } = options;
  const { compareEveryMs = 30_000, reviveEveryMs = 60_000 } = options;
  const partitions = new Map<number, Partition>();
  /** When the first event happened that each partition was handed and has not written, by `Date.now()`. It outlives failed attempts. */
  const unwritten = new Map<number, number>();
  deadLetters.add(0, { [attribute.projection]: name });

  const owned = (partition: number): Partition => {
    const found = partitions.get(partition);
    if (found === undefined) throw new Error(`partition ${partition} is not assigned`);
    return found;
  };

  async function load(partition: number, signal: AbortSignal): Promise<Partition> {
    const last = await views.checkpoint(partition); // first: it makes a lost store whole
    const same = sameLog({ name, readPoint, first: last });
    await same.check(last, signal);
    const state = {
      last,
      sameLog: same,
      parked: new Map(await views.parked(partition)),
      cache: new LRUCache<string, StoredOrder>({ max: 1_000 }),
      repair: repair(partition, views, customers),
      compareAt: 0,
      reviveAt: 0,
      isLost: false,
    };
    partitions.set(partition, state);
    return state;
  }

  /** Runs work of the owner; after it met a store that lost what it held, everything known of the partition is read anew. */
  async function owning(
    partition: number,
    signal: AbortSignal,
    work: (state: Partition) => Promise<void>,
  ) {
    const known = owned(partition);
    const state = known.isLost ? await load(partition, signal) : known;
    try {
      await work(state);
    } catch (error) {
      if (error instanceof ViewsLostError && !state.isLost) {
        state.isLost = true;
        log.warn({ err: error, projection: name, partition }, 'views lost; to be read again');
      }
      throw error;
    }
  }

  async function apply(
    partition: number,
    state: Partition,
    messages: readonly BusMessage[],
    signal: AbortSignal,
  ) {
    const current = await currentViews(views, state, messages);
    const last = messages.findLast((message) => !isUnplaced(message));
    const lastEvent = last ? lastEventOf(last, state.sameLog.logId()) : state.last;
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
    if (dead.length > 0) reportDead(name, dead, parked);
    const ageMs = Date.now() - Date.parse(last?.headers[header.time] ?? '');
    if (Number.isFinite(ageMs)) delay.record(ageMs / 1000, { [attribute.projection]: name });
  }

  /** Tries parked orders again, each time others, and those that stay parked after all the others. */
  async function reviveSome(partition: number, state: Partition, signal: AbortSignal) {
    state.reviveAt = performance.now() + reviveEveryMs;
    const { parked, cache, last } = state;
    for (const [orderId, first] of [...parked]
      .filter(([id]) => isOrderId(id))
      .slice(0, reviveMost)) {
      // To the end, whatever comes of it.
      parked.delete(orderId);
      parked.set(orderId, first);
      const found = await revive(views, partition, orderId);
      if (found === undefined) continue;
      const orders = await withCustomers(customers, found.orders, signal);
      signal.throwIfAborted();
      cache.delete(orderId); // a write that fails may have been done, and then its repetition has no view to put there
      try {
        await views.write({ partition, ...last, orders, dead: [], revived: found.revived });
      } catch (error) {
        if (error instanceof RefusedViewsError) continue;
        throw error;
      }
      parked.delete(orderId);
      for (const stored of orders) cache.set(stored.order.orderId, stored);
      state.repair.wrote(orders);
      log.info({ projection: name, orderId, events: found.revived.length }, 'parked order goes on');
    }
  }

  /** What the bus does not have, of the same log only: the bus has nothing that could contradict. */
  const readStretchOf =
    (state: Partition): ReadStretch =>
    async (partition, after, signal) => {
      await state.sameLog.require(state.last, signal);
      return options.readStretch(partition, after, signal);
    };

  /** Compares a partition with its store and reads on from the log. */
  async function compare(partition: number, state: Partition, signal: AbortSignal): Promise<void> {
    state.compareAt = performance.now() + Math.min(compareEveryMs, compareAgainMs);
    const stored = await views.checkpoint(partition);
    if (stored.position < state.last.position)
      throw new ViewsLostError(
        `the store is at ${stored.position}, and was at ${state.last.position}`,
      );
    const read = readStretchOf(state);
    try {
      for (;;) {
        const missing = await untraced(() => read(partition, state.last.position, signal));
        if (missing.length === 0) break;
        await apply(partition, state, missing, signal);
      }
      state.compareAt = performance.now() + compareEveryMs;
    } catch (err) {
      if (!(err instanceof ReasonError)) throw err;
      log.debug({ err, projection: name, partition }, 'the log cannot be read now');
    }
  }

  return {
    async assigned(partition, signal) {
      await load(partition, signal);
    },
    async batch({ partition, messages, signal }) {
      const happenedAt = Date.parse(messages[0]?.headers[header.time] ?? '');
      if (Number.isFinite(happenedAt)) unwritten.set(partition, happenedAt);
      await owning(partition, signal, async (state) => {
        const { sameLog, last } = state;
        if (sameLog.isPending()) await sameLog.check(last, signal);
        // They may also be foreign to this log: it says which.
        if (contradicts(messages, last)) await sameLog.require(last, signal);
        for await (const run of wholeChain(messages, last.position, readStretchOf(state), signal))
          await apply(partition, state, run, signal);
      });
      unwritten.delete(partition);
    },
    idle: (partition, signal) =>
      owning(partition, signal, async (state) => {
        const { cache, repair, sameLog } = state;
        await sameLog.check(state.last, signal);
        for (const stored of await repair.step(signal)) cache.set(stored.order.orderId, stored);
        if (performance.now() >= state.reviveAt) await reviveSome(partition, state, signal);
        if (performance.now() >= state.compareAt) await compare(partition, state, signal);
      }),
    async revoked(partition) {
      partitions.delete(partition);
      unwritten.delete(partition);
    },
    lagMs: () => Math.max(0, ...[...unwritten.values()].map((at) => Date.now() - at)),
    parked: () => [...partitions.values()].reduce((sum, { parked }) => sum + parked.size, 0),
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
    else if (headers[header.sequence] !== '1' && isOrderId(key)) missing.add(key);
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

function reportDead(
  name: string,
  dead: readonly DeadLetter[],
  parked: ReadonlyMap<string, ParkedOrder>,
): void {
  deadLetters.add(dead.length, { [attribute.projection]: name });
  for (const { orderId, partition, detail } of dead.filter(isUnplaced))
    log.error({ projection: name, orderId, partition, detail }, 'message put aside');
  for (const [orderId, { position }] of parked)
    log.error(
      { projection: name, orderId, position: String(position) },
      'order parked: its event can never be applied',
    );
}
