import type { LogRow } from '@ordermesh/contract';
import type { RecordedEvent } from '@ordermesh/event-sourcing';

/** A row of the SQL function `read_feed`, as node-postgres gives it. */
export interface FeedRow {
  position: string;
  partition: number;
  stream_id: string;
  version: number;
  type: string;
  schema_version: number;
  event_id: string;
  occurred_at: Date;
  traceparent: string | null;
  tracestate: string | null;
  data: string;
}

/** A row of `events` with everything. */
export interface EventRow extends FeedRow {
  actor_subject: string;
  actor_service: string;
  correlation_id: string | null;
  causation_id: string | null;
}

/** A row of the feed as the bus takes it. */
export function toLogRow(row: FeedRow): LogRow {
  return {
    position: BigInt(row.position),
    partition: row.partition,
    streamId: row.stream_id,
    version: row.version,
    type: row.type,
    schemaVersion: row.schema_version,
    eventId: row.event_id,
    occurredAt: row.occurred_at,
    traceparent: row.traceparent,
    tracestate: row.tracestate,
    data: row.data,
  };
}

/** A row of the history. */
export function toRecordedEvent(row: EventRow): RecordedEvent {
  return {
    ...toLogRow(row),
    actor: { subject: row.actor_subject, service: row.actor_service },
    correlationId: row.correlation_id,
    causationId: row.causation_id,
  };
}
