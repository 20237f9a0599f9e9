import { fromBinary, toJsonString } from '@bufbuild/protobuf';
import {
  type BusMessage,
  type EventCatalogue,
  type EventMessage,
  header,
  orderEvents,
  readStoredEvent,
  schemaVersionOf,
} from '@ordermesh/contract';
import { PoisonError } from './poison-error.ts';
import { isUuid } from './uuid.ts';

/** One event of an order, read and checked. */
export interface DecodedEvent {
  /** UUID, lower case. */
  readonly orderId: string;
  /** Number of the event within its order, from 1. */
  readonly version: number;
  /** Position in the log. */
  readonly position: bigint;
  readonly partition: number;
  /** When it happened, by the command service's clock; milliseconds. */
  readonly occurredAt: Date;
  /** W3C trace context under which it was made; undefined if there was none or it is malformed. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** The event itself; `$typeName` tells which. */
  readonly event: EventMessage;
}

const typePrefix = 'ordermesh.order.v1.';
const traceContext = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** True for what can be the id of an order; a key of the bus may be anything. */
export const isOrderId = isUuid;

const printable = /^[\x20-\x7e]{1,512}$/;

/**
 * Reads a message of the bus, of any schema version that was ever published: what waits in Kafka since before an upgrade is upcast here, as the log is when it is read. Pure; the same
 * message always gives the same answer or the same error.
 * @param catalogue the order's events unless told
 * @throws PoisonError of any kind but `invariant`
 */
export function decodeEvent(
  message: BusMessage,
  catalogue: EventCatalogue = orderEvents,
): DecodedEvent {
  const { headers } = message;
  const raw = headers[header.error];
  if (raw !== undefined)
    throw new PoisonError('published_raw', `the relay could not encode it: ${raw}`);
  const orderId = message.key;
  if (!isOrderId(orderId) || headers[header.subject] !== orderId)
    throw malformed(header.subject, headers[header.subject]);
  const type = eventType(headers[header.type], catalogue);
  const schemaVersion = wholeNumber(header.schema, headers[header.schema]);
  const known = schemaVersionOf(type, catalogue);
  if (schemaVersion > known)
    throw new PoisonError(
      'future_schema',
      `schema ${schemaVersion} of ${type}, this release reads up to ${known}: deploy the newer projector`,
    );
  const traceparent = headers[header.traceparent];
  const tracestate = headers[header.tracestate];
  const traced = traceparent !== undefined && traceContext.test(traceparent);
  return {
    orderId,
    version: wholeNumber(header.sequence, headers[header.sequence]),
    position: message.position,
    partition: message.partition,
    occurredAt: time(headers[header.time]),
    traceparent: traced ? traceparent : undefined,
    tracestate: traced && tracestate && printable.test(tracestate) ? tracestate : undefined,
    event: decodeValue({ type, schemaVersion, value: message.value }, catalogue),
  };
}

function eventType(type: string | undefined, { schemas }: EventCatalogue): string {
  const name = type?.startsWith(typePrefix) ? type.slice(typePrefix.length) : '';
  if (!Object.hasOwn(schemas, name))
    throw new PoisonError('unknown_type', `${header.type} ${JSON.stringify(type)}`);
  return name;
}

function decodeValue(
  {
    type,
    schemaVersion,
    value,
  }: { readonly type: string; readonly schemaVersion: number; readonly value: Uint8Array },
  catalogue: EventCatalogue,
): EventMessage {
  try {
    const schema = catalogue.schemas[type] as (typeof orderEvents.schemas)[string];
    const message = fromBinary(schema, value);
    if (schemaVersion === schemaVersionOf(type, catalogue)) return message as EventMessage;
    // Fields are never renumbered or renamed (`buf breaking`), so today's message still shows an old event's JSON, from which its steps begin.
    const data = toJsonString(schema, message);
    return readStoredEvent({ type, schemaVersion, data }, catalogue).message as EventMessage;
  } catch (cause) {
    throw new PoisonError('undecodable', `${value.length} bytes are no ${type}`, cause);
  }
}

function wholeNumber(name: string, text: string | undefined): number {
  if (!/^[1-9]\d{0,8}$/.test(text ?? '')) throw malformed(name, text);
  return Number(text);
}

function time(text: string | undefined): Date {
  // RFC 3339 has years 0000 to 9999; neither a protobuf nor a PostgreSQL timestamp has a year 0.
  const date = new Date(/^(?!0000)\d{4}-\d{2}-\d{2}T/.test(text ?? '') ? (text as string) : '');
  if (Number.isNaN(date.getTime())) throw malformed(header.time, text);
  return date;
}

function malformed(name: string, text: string | undefined): PoisonError {
  return new PoisonError('malformed_header', `${name} ${JSON.stringify(text)}`);
}
