import { type BusMessage, type LogRow, toMessage } from '@ordermesh/contract';
import { createPool, listen, read } from '@ordermesh/postgres';
import { logger } from '@ordermesh/telemetry';
import type { Cursor, Feed } from '../leased/feed.ts';

/** One row of `read_feed` as the driver gives it. */
interface FeedRow {
  readonly position: string;
  readonly partition: number;
  readonly stream_id: string;
  readonly version: number;
  readonly type: string;
  readonly schema_version: number;
  readonly event_id: string;
  readonly occurred_at: Date;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly data: string;
}

const readSql = `
  SELECT position, partition, stream_id::text, version, type, schema_version, event_id::text, occurred_at,
         traceparent, tracestate, data::text
  FROM read_feed($1::integer, $2::bigint, $3::integer) ORDER BY position`;

const touchedSql = `
  SELECT partition FROM unnest($1::integer[], $2::bigint[]) AS cursor (partition, after)
  WHERE EXISTS (SELECT FROM read_feed(cursor.partition, cursor.after, 1))`;

const countSql = `
  SELECT partition, (SELECT count(*)::integer FROM read_feed(cursor.partition, cursor.after, $3::integer)) AS count
  FROM unnest($1::integer[], $2::bigint[]) AS cursor (partition, after)`;

/**
 * The event log itself as a feed. Uses nothing of the log but the function `read_feed(partition, after, limit)` and the channel
 * `ordermesh_log`.
 *
 * Each read begins with the event that the reader has last. Only if that is still there does the first message name it as its predecessor; else it names
 * none (0), which tells the consumer that the log is not the one that it knew.
 * @param url the log's database, directly: a transaction pooler loses LISTEN
 */
export function logFeed(url: string): Feed {
  const log = logger('messaging');
  const onError = (err: unknown) => log.debug({ err }, 'connection to the log lost');
  // Reads are short, handlers are not: two connections serve more partitions than handlers run at once.
  const pool = createPool({ url, max: 2, name: 'ordermesh-bus-feed', onError });
  const split = (cursors: readonly Cursor[]) => [
    cursors.map((cursor) => cursor.partition),
    cursors.map((cursor) => cursor.position),
  ];
  const newest = new Map<number, LogRow>(); // of each partition, as it was read last
  const isKnown = (row: LogRow, after: bigint) => {
    const known = newest.get(row.partition);
    return row.position === after && (known?.position !== after || known.eventId === row.eventId);
  };
  return {
    async read(partition, after, limit, signal) {
      const values = after === 0n ? [partition, after, limit] : [partition, after - 1n, limit + 1];
      const statement = { name: 'ordermesh_bus_read', text: readSql, values };
      const found = (await read<FeedRow>(pool, statement, signal)).rows.map(logRow);
      const isSame = after === 0n || (found[0] !== undefined && isKnown(found[0], after));
      const rows = found.filter(({ position }) => position > after).slice(0, limit);
      const last = rows.at(-1);
      if (last !== undefined) newest.set(partition, last);
      let prev = isSame ? after : 0n;
      return rows.map((row): BusMessage => {
        const message = toMessage(row, prev);
        prev = message.position;
        return message;
      });
    },
    async touched(after) {
      const statement = { name: 'ordermesh_bus_touched', text: touchedSql, values: split(after) };
      const { rows } = await read<{ partition: number }>(pool, statement);
      return rows.map((row) => row.partition);
    },
    async count(after, limit) {
      const statement = { text: countSql, values: [...split(after), limit] };
      const { rows } = await read<{ partition: number; count: number }>(pool, statement);
      return new Map(rows.map((row) => [row.partition, row.count]));
    },
    watch: (onTouched) =>
      listen({
        url,
        channel: 'ordermesh_log',
        onNotify: (payload) => onTouched(parseNotification(payload)),
        onReconnect: () => onTouched(undefined),
        onError: (err) => log.warn({ err }, 'no notifications of the log, polling goes on'),
      }),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

/**
 * What a notification says: `3:17,5:18` is partition 3 up to position 17, and 5 up to 18.
 * @returns undefined for anything else, the empty payload included: look everywhere
 */
export function parseNotification(payload: string): readonly Cursor[] | undefined {
  if (!/^\d+:\d+(,\d+:\d+)*$/.test(payload)) return undefined;
  return payload.split(',').map((pair) => {
    const [partition = '', position = ''] = pair.split(':');
    return { partition: Number(partition), position: BigInt(position) };
  });
}

function logRow(row: FeedRow): LogRow {
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
