import type { BusMessage } from '@ordermesh/contract';
import type { OrderViewWriter, StoredOrder } from '@ordermesh/read-model';
import { foldBatch } from './fold-batch.ts';

/** A parked order whose events can be applied after all. */
export interface RevivedOrder {
  /** Its view after them; none when the view has them already. */
  readonly orders: readonly StoredOrder[];
  /** Their positions. */
  readonly revived: readonly bigint[];
}

/**
 * Tries all that was put aside of an order again, in its order. The cause may have passed: a release that knows the event, a store that takes the view.
 * @returns undefined when an event still fails; an order comes back whole or not at all
 */
export async function revive(
  views: OrderViewWriter,
  partition: number,
  orderId: string,
): Promise<RevivedOrder | undefined> {
  const letters = await views.deadLetters(partition, orderId);
  const messages = letters.map((letter): BusMessage => ({ ...letter, partition, key: orderId }));
  const current = await views.load([orderId]);
  const { changed, dead } = foldBatch(messages, current, new Map(), new Date());
  if (dead.length > 0) return undefined;
  return { orders: [...changed.values()], revived: letters.map(({ position }) => position) };
}
