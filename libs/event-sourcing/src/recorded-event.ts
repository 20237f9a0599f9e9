import type { EncodedEvent } from './event-codec.ts';

/** Who and what caused an event; everything that the log keeps beside its content. */
export interface EventMetadata {
  /** On whose behalf, and by which service. */
  readonly actor: { readonly subject: string; readonly service: string };
  /** UUID that all events of one business conversation share; null when there is none. */
  readonly correlationId: string | null;
  /** UUID of what caused it directly; null when there is none. */
  readonly causationId: string | null;
  /** W3C trace context of the span that created the event. */
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

/** An event on its way into the log. */
export interface EventToAppend extends EncodedEvent, EventMetadata {
  /** UUIDv7, unique. */
  readonly eventId: string;
  /** When it was decided; the log keeps milliseconds. */
  readonly occurredAt: Date;
}

/** What folding needs of a stored event; metadata would double the cost of reading a stream. */
export interface StoredEvent extends EncodedEvent {
  /** In its stream, 1..n without a gap. */
  readonly version: number;
}

/** A stored event with everything that the log knows of it. */
export interface RecordedEvent extends EventToAppend {
  readonly streamId: string;
  /** In its stream, 1..n without a gap. */
  readonly version: number;
  /** In the log, 1..n dense in commit order. */
  readonly position: bigint;
  /** Of the bus; a function of the stream id. */
  readonly partition: number;
}
