import { type EventStore, snapshots, stateCache } from '@ordermesh/event-sourcing';
import { type OrderPolicy, type OrderState, orderDecider } from '@ordermesh/order';
import { orderCodec } from './order-codec.ts';
import { orderStateCodec } from './order-state-codec.ts';
import type { OrderAggregate } from './run-command.ts';

/** What an operator may set about orders and about loading them. */
export interface OrderAggregateOptions extends OrderPolicy {
  readonly store: EventStore;
  /** Events between two snapshots of an order, at least 1. */
  readonly snapshotEvery: number;
  /** Bound of the orders kept in memory; 0 keeps none. */
  readonly stateCacheBytes: number;
}

/** The order with its rules, its log, and what makes loading it cheap. Disposing ends the snapshots. */
export function orderAggregate({
  store,
  snapshotEvery,
  stateCacheBytes,
  ...policy
}: OrderAggregateOptions): Required<OrderAggregate> & AsyncDisposable {
  const taken = snapshots({ store, codec: orderStateCodec, every: snapshotEvery });
  return {
    store,
    decider: orderDecider(policy),
    codec: orderCodec,
    cache: stateCache<OrderState>(stateCacheBytes),
    snapshots: taken,
    [Symbol.asyncDispose]: () => taken[Symbol.asyncDispose](),
  };
}
