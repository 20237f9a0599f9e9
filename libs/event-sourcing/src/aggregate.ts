import type { Decider } from './decider.ts';
import type { EventCodec } from './event-codec.ts';
import type { EventStore } from './event-store.ts';
import type { Snapshots } from './snapshots.ts';
import type { StateCache } from './state-cache.ts';

/** A kind of aggregate and where its streams are. */
export interface Aggregate<Command, State, Event, Rejection> {
  readonly store: EventStore;
  readonly decider: Decider<Command, State, Event, Rejection>;
  readonly codec: EventCodec<Event>;
  /** Without it every command loads its stream. */
  readonly cache?: StateCache<State>;
  /** Without them every load begins at the first event. */
  readonly snapshots?: Snapshots<State>;
}
