import { toBinary } from '@bufbuild/protobuf';
import {
  type EventCatalogue,
  orderEvents,
  readStoredEvent,
  type StoredEventData,
  UnreadableEventError,
  type UnreadableReason,
} from './read-stored-event.ts';

/** One row of the log, as the SQL function `read_feed` and `ReadLog` give it. */
export interface LogRow extends StoredEventData {
  readonly position: bigint;
  readonly partition: number;
  readonly streamId: string;
  readonly version: number;
  readonly eventId: string;
  readonly occurredAt: Date;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

/** One event as every bus carries it. */
export interface BusMessage {
  readonly partition: number;
  /**
   * Position in the log. Below 0 where the bus carries something that names none (see {@link isUnplaced}): then it is unlike that of any other message
   * of the topic, and the same each time that it is delivered.
   */
  readonly position: bigint;
  /** The order id. */
  readonly key: string;
  /** The encoded event message; the stored JSON where `ordermesh-error` says that it could not be encoded. */
  readonly value: Uint8Array;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** True for a message that nobody can find in the log: its position header cannot be read. */
export const isUnplaced = ({ position }: Pick<BusMessage, 'position'>): boolean => position < 0n;

/** Names of the headers; CloudEvents Kafka binding in binary mode, W3C trace context, and our own. */
export const header = {
  specversion: 'ce_specversion',
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  subject: 'ce_subject',
  time: 'ce_time',
  sequence: 'ce_sequence',
  partitionkey: 'ce_partitionkey',
  contentType: 'content-type',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  position: 'ordermesh-position',
  prev: 'ordermesh-prev',
  schema: 'ordermesh-schema',
  error: 'ordermesh-error',
} as const;

const typePrefix = 'ordermesh.order.v1.';

/**
 * A row of the log as a bus message, in its event's shape of today whichever schema version was stored. Pure and total: a row that cannot be encoded becomes a
 * message with header `ordermesh-error`, the stored JSON as its value and its stored schema version, so that one bad row parks its order and never stops the relay.
 * @param prev position of the previous event of the same partition, 0 if there is none: a consumer whose own checkpoint differs has
 * missed something
 * @param catalogue the order's events unless told
 */
export function toMessage(
  row: LogRow,
  prev: bigint,
  catalogue: EventCatalogue = orderEvents,
): BusMessage {
  const encoded = encode(row, catalogue);
  return {
    partition: row.partition,
    position: row.position,
    key: row.streamId,
    value: encoded.value,
    headers: {
      [header.specversion]: '1.0',
      [header.id]: row.eventId,
      [header.type]: typePrefix + row.type,
      [header.source]: '/ordermesh/command',
      [header.subject]: row.streamId,
      [header.time]: row.occurredAt.toISOString(),
      [header.sequence]: String(row.version),
      [header.partitionkey]: row.streamId,
      [header.contentType]:
        encoded.error === undefined ? 'application/protobuf' : 'application/json',
      ...(row.traceparent === null ? {} : { [header.traceparent]: row.traceparent }),
      ...(row.tracestate === null ? {} : { [header.tracestate]: row.tracestate }),
      [header.position]: String(row.position),
      [header.prev]: String(prev),
      [header.schema]: String(encoded.schemaVersion),
      ...(encoded.error === undefined ? {} : { [header.error]: encoded.error }),
    },
  };
}

interface Encoded {
  readonly value: Uint8Array;
  readonly schemaVersion: number;
  readonly error?: UnreadableReason;
}

function encode(row: LogRow, catalogue: EventCatalogue): Encoded {
  try {
    const { schema, schemaVersion, message } = readStoredEvent(row, catalogue);
    return { value: toBinary(schema, message), schemaVersion };
  } catch (cause) {
    const error = cause instanceof UnreadableEventError ? cause.reason : 'EVENT_NOT_ENCODABLE';
    return { value: Buffer.from(row.data, 'utf8'), schemaVersion: row.schemaVersion, error };
  }
}
