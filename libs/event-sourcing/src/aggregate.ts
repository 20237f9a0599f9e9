import type { Decider } from './decider.ts';
import type { EventCodec } from './event-codec.ts';
import type { EventStore } from './event-store.ts';

/** A kind of aggregate and where its streams are. */
export interface Aggregate<Command, State, Event, Rejection> {
  readonly store: EventStore;
  readonly decider: Decider<Command, State, Event, Rejection>;
  readonly codec: EventCodec<Event>;
}
