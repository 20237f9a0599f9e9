/** What the log keeps of an event's content. */
export interface EncodedEvent {
  /** Short name in the event catalogue, e.g. `OrderPaid`. */
  readonly type: string;
  /** Version of the type's shape, from 1. */
  readonly schemaVersion: number;
  /** JSON text. */
  readonly data: string;
}

/** Between the decider's events and what the log keeps. */
export interface EventCodec<Event> {
  encode(event: Event): EncodedEvent;
  /** Reads any schema version that was ever written. Throws on an unknown type or undecodable data. */
  decode(encoded: EncodedEvent): Event;
}
