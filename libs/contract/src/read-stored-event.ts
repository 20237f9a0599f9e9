import { type DescMessage, fromJson, type JsonObject, type Message } from '@bufbuild/protobuf';
import { eventSchemas } from './events.ts';
import { type Upcaster, upcasters } from './upcasters.ts';

/** What the log keeps of an event's content. */
export interface StoredEventData {
  /** Short name in the event catalogue. */
  readonly type: string;
  /** Of the release that stored it. */
  readonly schemaVersion: number;
  /** Protobuf JSON of the event message in that version. */
  readonly data: string;
}

/** Which events there are, by short name: the shape of each today, and the way there from earlier ones. */
export interface EventCatalogue {
  readonly schemas: Readonly<Record<string, DescMessage>>;
  readonly upcasters: Readonly<Record<string, readonly Upcaster[] | undefined>>;
}

/** The order's. */
export const orderEvents: EventCatalogue = { schemas: eventSchemas, upcasters };

/** A stored event in today's shape. */
export interface ReadEvent {
  readonly schema: DescMessage;
  /** Today's, after upcasting. */
  readonly schemaVersion: number;
  readonly message: Message;
}

/** Why a stored event cannot be read; the value of `ordermesh-error` on the bus. */
export type UnreadableReason =
  | 'UNKNOWN_EVENT_TYPE'
  | 'UNKNOWN_SCHEMA_VERSION'
  | 'EVENT_NOT_ENCODABLE';

/** Thrown by {@link readStoredEvent}: the event is of a newer release, or its data is damaged. */
export class UnreadableEventError extends Error {
  override readonly name = 'UnreadableEventError';
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** The schema version that this release writes of an event, from 1. */
export function schemaVersionOf(type: string, catalogue: EventCatalogue = orderEvents): number {
  return 1 + stepsOf(type, catalogue).length;
}

/**
 * Reads a stored event of any schema version that was ever written, as if it had been stored today. Whatever reads the log reads through here.
 * @param catalogue the order's events unless told
 * @throws UnreadableEventError
 */
export function readStoredEvent(
  { type, schemaVersion, data }: StoredEventData,
  catalogue: EventCatalogue = orderEvents,
): ReadEvent {
  const schema = Object.hasOwn(catalogue.schemas, type) ? catalogue.schemas[type] : undefined;
  if (schema === undefined)
    throw new UnreadableEventError(
      'UNKNOWN_EVENT_TYPE',
      `the log has an event of unknown type ${type}`,
    );
  const current = schemaVersionOf(type, catalogue);
  if (!Number.isInteger(schemaVersion) || schemaVersion < 1 || schemaVersion > current)
    throw new UnreadableEventError(
      'UNKNOWN_SCHEMA_VERSION',
      `the log has ${type} of schema version ${schemaVersion}, and this release reads 1 to ${current}: deploy the newer code`,
    );
  try {
    const steps = stepsOf(type, catalogue).slice(schemaVersion - 1);
    // Not fromJsonString, which looks for repeated keys letter by letter: that took a quarter of a replay, and jsonb has none.
    const message = fromJson(schema, upcast(steps, data));
    return { schema, schemaVersion: current, message };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the log has ${type} of schema version ${schemaVersion} with unreadable data: ${why}`;
    throw new UnreadableEventError('EVENT_NOT_ENCODABLE', message, cause);
  }
}

function upcast(steps: readonly Upcaster[], data: string): JsonObject {
  let json = JSON.parse(data) as JsonObject;
  for (const step of steps) json = step(json);
  return json;
}

function stepsOf(type: string, { upcasters }: EventCatalogue): readonly Upcaster[] {
  return (Object.hasOwn(upcasters, type) ? upcasters[type] : undefined) ?? [];
}
