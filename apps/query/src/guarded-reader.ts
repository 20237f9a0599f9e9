import type { OrderViewReader } from '@ordermesh/read-model';
import type { Policy } from '@ordermesh/resilience';

/**
 * A store behind a policy: a call that hangs ends early enough to ask another store, and a store that is known to be down is not asked.
 * Disposing disposes the store.
 */
export function guardedReader(reader: OrderViewReader, policy: Policy): OrderViewReader {
  const guarded = <T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>) =>
    policy.execute((attempt) => call(attempt.signal), { signal });
  return {
    get: (orderId, owner, caller) =>
      guarded(caller, (signal) => reader.get(orderId, owner, signal)),
    list: (request, caller) => guarded(caller, (signal) => reader.list(request, signal)),
    search: (request, caller) => guarded(caller, (signal) => reader.search(request, signal)),
    checkpoint: (partition, caller) =>
      guarded(caller, (signal) => reader.checkpoint(partition, signal)),
    checkpoints: (partitions, caller) =>
      guarded(caller, (signal) => reader.checkpoints(partitions, signal)),
    searchable: (partition, position, caller) =>
      guarded(caller, (signal) => reader.searchable(partition, position, signal)),
    parkedOrder: (partition, orderId, owner, caller) =>
      guarded(caller, (signal) => reader.parkedOrder(partition, orderId, owner, signal)),
    parkedEvent: (partition, position, caller) =>
      guarded(caller, (signal) => reader.parkedEvent(partition, position, signal)),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}
