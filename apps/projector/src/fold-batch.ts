import { type BusMessage, header, isUnplaced } from '@ordermesh/contract';
import {
  applyEvent,
  type DeadLetter,
  deadLetter,
  decodeEvent,
  isDuplicate,
  type ParkedOrder,
  PoisonError,
  type StoredOrder,
} from '@ordermesh/read-model';

/** What becomes of a run of messages. */
export interface FoldedBatch {
  /** Views that changed, by order id. */
  readonly changed: ReadonlyMap<string, StoredOrder>;
  /** Events that can never be applied, and those that follow one of the same order. */
  readonly dead: readonly DeadLetter[];
  /** Orders parked by this run. */
  readonly parked: ReadonlyMap<string, ParkedOrder>;
}

/**
 * Folds a run of one partition into views. Pure. An event that cannot be applied parks its order, not the partition: it and everything later
 * of its order become dead letters, the others go on. A message without a position becomes a dead letter and parks nobody: if it was an event of
 * ours, the log has it, and the chain brings it.
 * @param views current views of the run's orders
 * @param parked orders that are parked already
 * @param refused why the store can never hold what becomes of some orders, by order id; they are parked from their first new event on
 */
export function foldBatch(
  messages: readonly BusMessage[],
  views: ReadonlyMap<string, StoredOrder>,
  parked: ReadonlyMap<string, ParkedOrder>,
  now: Date,
  refused: ReadonlyMap<string, string> = new Map(),
): FoldedBatch {
  const changed = new Map<string, StoredOrder>();
  const newlyParked = new Map<string, ParkedOrder>();
  const dead: DeadLetter[] = [];
  for (const message of messages) {
    if (isUnplaced(message)) {
      const detail = `${header.position} ${JSON.stringify(message.headers[header.position])} is no position`;
      const fault = { errorClass: 'malformed_header', detail, attempts: 1, parkedAt: now };
      dead.push(deadLetter(message, fault));
      continue;
    }
    const first = parked.get(message.key) ?? newlyParked.get(message.key);
    if (first !== undefined) {
      const detail = `waits for position ${first.position} of the same order`;
      dead.push(deadLetter(message, { errorClass: 'follows', detail, attempts: 0, parkedAt: now }));
      continue;
    }
    try {
      const event = decodeEvent(message);
      const view = changed.get(event.orderId) ?? views.get(event.orderId);
      if (isDuplicate(view?.order, event)) continue;
      const refusal = refused.get(event.orderId);
      if (refusal !== undefined) throw new PoisonError('refused', refusal);
      changed.set(event.orderId, applyEvent(view, event));
    } catch (error) {
      if (!(error instanceof PoisonError)) throw error;
      const fault = { errorClass: error.kind, detail: error.message, attempts: 1, parkedAt: now };
      const letter = deadLetter(message, fault);
      dead.push(letter);
      newlyParked.set(message.key, letter);
    }
  }
  return { changed, dead, parked: newlyParked };
}
