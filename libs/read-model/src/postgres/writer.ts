import { Enrichment } from '@ordermesh/contract';
import { createPool, query, read } from '@ordermesh/postgres';
import { deadLetterRow, storable } from '../dead-letter-row.ts';
import type { OrderViewWriter } from '../order-view-writer.ts';
import { announcer } from './notify-channel.ts';
import { postgresProjection } from './projection.ts';
import { type PostgresViewOptions, warn } from './view-pool.ts';
import { fromRow, type StoredRow, storedColumns, toRows } from './view-row.ts';
import { writeBatch, writeViews } from './write-statements.ts';

/**
 * Writes views to PostgreSQL. A batch is one statement, hence one transaction and one round trip; a notification follows it. Connects lazily; the
 * schema has to be there ({@link postgresViewMigrations}). Disposing waits for the notifications and closes the connections.
 */
export function postgresViewWriter(options: PostgresViewOptions): OrderViewWriter {
  const onError = options.onError ?? warn;
  const pool = createPool({
    url: options.url,
    max: options.max,
    name: options.name,
    onError,
    settings: {
      // On, whatever the server's default is: the projector keeps its positions and views in memory, and outlives a crash of the server. Commits that
      // the crash takes back (off loses the last 0.6 s) would never be written again, because the consumer has passed them.
      synchronous_commit: 'on',
      default_transaction_isolation: 'read committed',
    },
  });
  const announcements = announcer(pool, postgresProjection, onError);

  return {
    async load(orderIds) {
      const text = `SELECT ${storedColumns} FROM order_view WHERE order_id = ANY($1::uuid[])`;
      const values = [[...new Set(orderIds)]];
      const { rows } = await read<StoredRow>(pool, { name: 'order_view_load', text, values });
      return new Map(rows.map(fromRow).map((stored) => [stored.order.orderId, stored]));
    },

    async checkpoint(partition) {
      const text = `SELECT position, event_id, log_id FROM projection_checkpoint
        WHERE projection = $1 AND partition = $2`;
      type Row = { position: string; event_id: string | null; log_id: string | null };
      const values = [postgresProjection, partition];
      const { rows } = await read<Row>(pool, { text, values });
      const [row] = rows;
      if (row === undefined) return { position: 0n };
      const { position, event_id, log_id } = row;
      return {
        position: BigInt(position),
        eventId: event_id ?? undefined,
        logId: log_id ?? undefined,
      };
    },

    async parked(partition) {
      const text = `SELECT DISTINCT ON (order_id) order_id, position, version FROM dead_letter
        WHERE projection = $1 AND partition = $2 AND position > 0 ORDER BY order_id, position`;
      const values = [postgresProjection, partition];
      const { rows } = await read<{ order_id: string; position: string; version: number }>(pool, {
        text,
        values,
      });
      return new Map(
        rows.map((row) => [row.order_id, { position: BigInt(row.position), version: row.version }]),
      );
    },

    async deadLetters(partition, orderId) {
      const text = `SELECT position, value, headers FROM dead_letter
        WHERE projection = $1 AND partition = $2 AND order_id = $3 AND position > 0 ORDER BY position`;
      const values = [postgresProjection, partition, storable(orderId)];
      type Row = { position: string; value: Buffer; headers: Record<string, string> };
      const { rows } = await read<Row>(pool, { text, values });
      return rows.map((row) => ({ ...row, position: BigInt(row.position) }));
    },

    async write({ partition, position, eventId, logId, orders, dead, revived = [] }) {
      const values = [
        JSON.stringify(toRows(orders)),
        JSON.stringify(dead.map(deadLetterRow)),
        postgresProjection,
        partition,
        String(position),
        eventId,
        logId,
        revived.map(String),
      ];
      await query(pool, { ...writeBatch, values });
      announcements.announce(partition, position);
    },

    async writeEnrichment(orders) {
      await query(pool, { ...writeViews, values: [JSON.stringify(toRows(orders))] });
    },

    async incomplete({ partitions, kind, after, limit }) {
      // The kind is part of the text, so that every plan can prove that the partial index holds all that is asked for.
      const enrichment = kind === 'pending' ? Enrichment.PENDING : Enrichment.CUSTOMER_UNKNOWN;
      const text = `SELECT ${storedColumns} FROM order_view
        WHERE enrichment = ${enrichment} AND partition = ANY($1::integer[]) ${after === undefined ? '' : 'AND order_id > $3'}
        ORDER BY order_id LIMIT $2`;
      const values = [[...partitions], limit, ...(after === undefined ? [] : [after])];
      return (await read<StoredRow>(pool, { text, values })).rows.map(fromRow);
    },

    async [Symbol.asyncDispose]() {
      await announcements.settled();
      await pool.end();
    },
  };
}
