import type { OrderViewReader } from '../order-view-reader.ts';
import type { OrderViewWriter, ViewBatch } from '../order-view-writer.ts';
import type { StoredOrder } from '../stored-order.ts';
import type { ViewNotifier } from '../view-notifier.ts';

/** A store under test, empty at first. */
export interface ViewStore extends AsyncDisposable {
  readonly writer: OrderViewWriter;
  readonly reader: OrderViewReader;
  /** A notifier of this store; the test disposes it. */
  notifier(pollMs: number): ViewNotifier;
  /** Makes what was written visible to searches, for stores that take their time. */
  settle(): Promise<void>;
  /** Cuts the connections through which notifiers hear of writes, without a word to them; resolves when they are gone. */
  cutNotifiers(): Promise<void>;
}

/** Opens a store; called once per group of tests. */
export type OpenViewStore = () => Promise<ViewStore>;

/** A signal that does not fire. */
export const never = new AbortController().signal;

/** Writes views without caring for positions. */
export async function put(store: ViewStore, orders: readonly StoredOrder[]): Promise<void> {
  await store.writer.writeEnrichment(orders);
  await store.settle();
}

/** A batch of one partition with only a position. */
export const batch = (partition: number, position: bigint, rest: Partial<ViewBatch> = {}) => ({
  partition,
  position,
  orders: [],
  dead: [],
  ...rest,
});
