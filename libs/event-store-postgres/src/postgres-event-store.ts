import type { LogPoint, LogRow } from '@ordermesh/contract';
import type { EventStore, RecordedEvent, StoredEvent } from '@ordermesh/event-sourcing';
import { query, read, type Statement } from '@ordermesh/postgres';
import type { Pool, QueryResultRow } from 'pg';
import { createAppend } from './append.ts';
import { type EventRow, type FeedRow, toLogRow, toRecordedEvent } from './event-rows.ts';
import { sharedConnection } from './shared-connection.ts';
import {
  readFromSnapshot,
  type SnapshotOrEventRow,
  saveSnapshot,
  toFromSnapshot,
} from './snapshots.ts';
import { storeError } from './store-error.ts';

/** Options of {@link createEventStore}. */
export interface EventStoreOptions {
  /** For reading, and for finding out what became of an append whose connection was lost: {@link createReader}. */
  readonly pool: Pool;
  /** For appending only: {@link createWriter}. `pool` by default, for a store that appends little. */
  readonly writer?: Pool;
  /** Partitions of this log: {@link Log.partitions}. */
  readonly partitions: number;
  /**
   * How long a lost append may take to be found out, before its callers hear `OUTCOME_UNKNOWN`; others wait meanwhile. 5000 by default.
   */
  readonly resolveWithinMs?: number;
}

/** The event log on PostgreSQL: the port of commands and what else is read of the log. */
export interface PostgresEventStore extends EventStore {
  /**
   * The events of one partition after a position, oldest first, at most `limit`.
   * @throws ReasonError DEPENDENCY_UNAVAILABLE, or the signal's reason
   */
  readFeed(
    partition: number,
    after: bigint,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly LogRow[]>;
  /**
   * The events of all partitions after a position, in the order of their positions, at most `limit`, and no more behind the one with which their data
   * reaches {@link readBytes}. Positions are dense: the first one is `after` + 1.
   * @throws ReasonError DEPENDENCY_UNAVAILABLE, or the signal's reason
   */
  readLog(after: bigint, limit: number, signal?: AbortSignal): Promise<readonly LogRow[]>;
  /**
   * The log's id, and its event at a position, from the database as it is now.
   * @throws ReasonError DEPENDENCY_UNAVAILABLE, or the signal's reason
   */
  readPoint(position: bigint, signal?: AbortSignal): Promise<LogPoint>;
  /**
   * The events of one stream beyond a version, oldest first, at most `limit`, with everything that is kept of them.
   * @throws ReasonError DEPENDENCY_UNAVAILABLE, or the signal's reason
   */
  readHistory(
    streamId: string,
    afterVersion: number,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly RecordedEvent[]>;
  /**
   * Forgets the answers stored before a moment; their keys are free again. In steps of 5000, so that no statement runs long.
   * @returns how many
   * @throws ReasonError DEPENDENCY_UNAVAILABLE, or the signal's reason
   */
  purgeIdempotency(olderThan: Date, signal?: AbortSignal): Promise<number>;
}

const purgeStep = 5000;

/** What one read of the log may hold, in bytes of data: a relay has two of them in memory, and 500 events of the largest kind would be 128 MB each. */
export const readBytes = 4_000_000;

/**
 * From event to event by their dense positions, so that the server, too, stops where the bytes end: a sum over a window would first read and measure all that
 * `LIMIT` lets in. LATERAL with a limit of its own leaves the planner no choice but one look into the primary key for each event.
 */
const readLogSql = `
  WITH RECURSIVE run AS (
    SELECT e AS event, octet_length(e.data::text)::bigint AS bytes FROM events e WHERE position = $1::bigint + 1
    UNION ALL
    SELECT next.event, run.bytes + octet_length((next.event).data::text)
    FROM run, LATERAL (SELECT e AS event FROM events e WHERE position = (run.event).position + 1 LIMIT 1) next
    WHERE run.bytes < $3::bigint
  )
  SELECT (event).position, (event).partition, (event).stream_id, (event).version, (event).type, (event).schema_version, (event).event_id,
    (event).occurred_at, (event).traceparent, (event).tracestate, (event).data::text
  FROM run LIMIT $2`;

/**
 * The event log over two pools that the caller closes. The schema is there ({@link logMigrations}) and the log opened ({@link openLog}). Errors that
 * leave it are {@link ReasonError}: `DEPENDENCY_UNAVAILABLE` and `OVERLOADED` when certainly nothing happened, `OUTCOME_UNKNOWN` when an append may have.
 */
export function createEventStore({
  pool,
  writer = pool,
  partitions,
  resolveWithinMs = 5000,
}: EventStoreOptions): PostgresEventStore {
  const rowsOf = async <R extends QueryResultRow>(statement: Statement, signal?: AbortSignal) =>
    (await mapped(read<R>(pool, statement, signal), signal)).rows;
  const batches = writer.options.pipeline ? 2 : 1; // without it the driver would keep the second one back all the same
  return {
    append: createAppend(
      { pool, writer: sharedConnection(writer), resolveWithinMs },
      partitions,
      batches,
    ),

    async readStream(streamId, after, signal) {
      const text =
        'SELECT version, type, schema_version AS "schemaVersion", data::text FROM events WHERE stream_id = $1 AND version > $2 ORDER BY version';
      return rowsOf<StoredEvent>({ name: 'read_stream', text, values: [streamId, after] }, signal);
    },

    async readFromSnapshot(streamId, schemaHash, signal) {
      const statement = readFromSnapshot(streamId, schemaHash);
      return toFromSnapshot(await rowsOf<SnapshotOrEventRow>(statement, signal));
    },

    async saveSnapshot(snapshot) {
      await mapped(query(pool, saveSnapshot(snapshot)), undefined);
    },

    async findAnswer(key, signal) {
      const text =
        'SELECT request_hash, response, partition, position FROM idempotency WHERE key = $1';
      type Row = { request_hash: Buffer; response: Buffer; partition: number; position: string };
      const [row] = await rowsOf<Row>({ name: 'find_answer', text, values: [key] }, signal);
      if (row === undefined) return undefined;
      const { request_hash: requestHash, response, partition, position } = row;
      return { requestHash, response, partition, position: BigInt(position) };
    },

    async readFeed(partition, after, limit, signal) {
      const values = [partition, after, limit];
      const text = 'SELECT * FROM read_feed($1, $2, $3)';
      return (await rowsOf<FeedRow>({ name: 'read_feed', text, values }, signal)).map(toLogRow);
    },

    async readLog(after, limit, signal) {
      const statement = { name: 'read_log', text: readLogSql, values: [after, limit, readBytes] };
      return (await rowsOf<FeedRow>(statement, signal)).map(toLogRow);
    },

    async readPoint(position, signal) {
      const text =
        'SELECT log_id, event_id FROM log LEFT JOIN events ON events.position = $1::bigint';
      type Row = { log_id: string; event_id: string | null };
      const [row] = await rowsOf<Row>({ name: 'read_point', text, values: [position] }, signal);
      if (row === undefined) throw new Error('the log has no row in table log');
      return { logId: row.log_id, eventId: row.event_id ?? undefined };
    },

    async readHistory(streamId, afterVersion, limit, signal) {
      const values = [streamId, afterVersion, limit];
      const text = `
        SELECT position, partition, stream_id, version, type, schema_version, event_id, occurred_at, actor_subject, actor_service,
          correlation_id, causation_id, traceparent, tracestate, data::text
        FROM events WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3`;
      return (await rowsOf<EventRow>({ name: 'read_history', text, values }, signal)).map(
        toRecordedEvent,
      );
    },

    async purgeIdempotency(olderThan, signal) {
      // An array, because it leaves one plan. With IN, a plan for any moment expects a large part of the table and scans all of it:
      // a step in a million keys took 1.2 s and more instead of 0.07 s.
      const text =
        'DELETE FROM idempotency WHERE key = ANY (ARRAY(SELECT key FROM idempotency WHERE created_at < $1 LIMIT $2))';
      for (let purged = 0; ; ) {
        const step = { text, values: [olderThan, purgeStep] };
        const { rowCount } = await mapped(query(pool, step, signal), signal);
        purged += rowCount ?? 0;
        if ((rowCount ?? 0) < purgeStep) return purged;
      }
    },
  };
}

/** Keeps the signal's own reason, and the driver's words from callers. */
async function mapped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw signal?.aborted ? error : storeError(error);
  }
}
