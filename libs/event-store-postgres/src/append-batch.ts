import type {
  Append,
  AppendOutcome,
  EventToAppend,
  ExpectedVersion,
} from '@ordermesh/event-sourcing';

/** A batch as the parameter of the SQL function `append_batch`: JSON text. */
export function encodeBatch(
  batch: readonly Append[],
  partitionOf: (streamId: string) => number,
): string {
  return `[${batch.map((command) => encodeCommand(command, partitionOf(command.streamId))).join()}]`;
}

function encodeCommand(
  { streamId, expected, events, idempotency }: Append,
  partition: number,
): string {
  const head = JSON.stringify({
    stream_id: streamId,
    partition,
    expected: encodeExpected(expected),
    ...(idempotency === undefined
      ? {}
      : {
          key: hex(idempotency.key),
          request_hash: hex(idempotency.requestHash),
          response: hex(idempotency.response),
        }),
  });
  return `${head.slice(0, -1)},"events":[${events.map(encodeEvent).join()}]}`;
}

/** The data goes in as it is (the caller has checked that it is JSON): parsing and writing it again could change its numbers. */
function encodeEvent(event: EventToAppend): string {
  const head = JSON.stringify({
    event_id: event.eventId,
    type: event.type,
    schema_version: event.schemaVersion,
    occurred_at: event.occurredAt,
    actor_subject: event.actor.subject,
    actor_service: event.actor.service,
    correlation_id: event.correlationId,
    causation_id: event.causationId,
    traceparent: event.traceparent,
    tracestate: event.tracestate,
  });
  return `${head.slice(0, -1)},"data":${event.data}}`;
}

function encodeExpected(expected: ExpectedVersion): number | null {
  if (expected === 'any') return null;
  if (expected === 'exists') return -1;
  return expected === 'no_stream' ? 0 : expected;
}

/** One element of what `append_batch` returns. */
export type OutcomeRow =
  | { outcome: 'appended'; version: number; partition: number; position: string }
  | { outcome: 'conflict'; version: number }
  | {
      outcome: 'replayed';
      request_hash: string;
      response: string;
      partition: number;
      position: string;
    }
  | { outcome: 'key_reused' };

/** An outcome of the SQL function in the words of the port. */
export function decodeOutcome(row: OutcomeRow): AppendOutcome {
  switch (row.outcome) {
    case 'appended': {
      const { version, partition, position } = row;
      return { type: 'appended', version, partition, position: BigInt(position) };
    }
    case 'conflict':
      return { type: 'conflict', actual: row.version };
    case 'key_reused':
      return { type: 'key_reused' };
    case 'replayed': {
      const { partition, position } = row;
      const requestHash = bytes(row.request_hash);
      const answer = {
        requestHash,
        response: bytes(row.response),
        partition,
        position: BigInt(position),
      };
      return { type: 'replayed', answer };
    }
    default:
      return row satisfies never;
  }
}

/** PostgreSQL's text form of `bytea`. */
const hex = (value: Uint8Array): string => `\\x${Buffer.from(value).toString('hex')}`;
const bytes = (text: string): Uint8Array => Buffer.from(text.slice(2), 'hex');
