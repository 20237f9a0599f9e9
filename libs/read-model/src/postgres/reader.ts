import { fromBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@ordermesh/contract';
import { createPool, read } from '@ordermesh/postgres';
import { storable } from '../dead-letter-row.ts';
import { keysetBehind } from '../keyset.ts';
import type { OrderPage, OrderViewReader, SearchOrders } from '../order-view-reader.ts';
import { isUuid } from '../uuid.ts';
import { postgresProjection } from './projection.ts';
import { readCheckpoints } from './read-checkpoints.ts';
import { searchStatement } from './search-statement.ts';
import { type PostgresViewOptions, warn } from './view-pool.ts';
import { fromRow, type StoredRow, storedColumns } from './view-row.ts';

/** Reads views from PostgreSQL. Connects lazily; disposing closes the connections after the reads in flight. */
export function postgresViewReader(options: PostgresViewOptions): OrderViewReader {
  const pool = createPool({
    url: options.url,
    max: options.max,
    name: options.name,
    onError: options.onError ?? warn,
  });

  async function search(request: SearchOrders, signal: AbortSignal): Promise<OrderPage> {
    const statement = searchStatement(request);
    if (statement === undefined) return { orders: [], next: undefined };
    const { rows } = await read<{ doc: Buffer; rank: string | null }>(pool, statement, signal);
    const page = rows.slice(0, request.limit);
    const orders = page.map((row) => fromBinary(OrderSchema, row.doc));
    const last = orders.at(-1);
    const more = rows.length > page.length && last !== undefined;
    const next = more ? keysetBehind(last, page.at(-1)?.rank ?? '', request.orderBy) : undefined;
    return { orders, next };
  }

  return {
    async get(orderId, owner, signal) {
      const text = `SELECT ${storedColumns} FROM order_view WHERE order_id = $1 AND ($2::text IS NULL OR customer_id::text = $2)`;
      const statement = { name: 'order_view_get', text, values: [orderId, owner] };
      const row = (await read<StoredRow>(pool, statement, signal)).rows[0];
      return row && fromRow(row);
    },
    list: (request, signal) => search({ ...request, orderBy: 'createdAt desc' }, signal),
    search,
    async checkpoint(partition, signal) {
      return (await readCheckpoints(pool, [partition], signal)).get(partition) ?? 0n;
    },
    checkpoints: (partitions, signal) => readCheckpoints(pool, partitions, signal),
    async parkedOrder(partition, orderId, owner, signal) {
      const text = `SELECT position, version FROM dead_letter
        WHERE projection = $1 AND partition = $2 AND order_id = $3 AND position > 0 AND ($4::text IS NULL
          OR EXISTS (SELECT FROM order_view view WHERE view.order_id = $5::uuid AND view.customer_id::text = $4))
        ORDER BY position LIMIT 1`;
      const viewId = isUuid(orderId) ? orderId : null;
      const values = [postgresProjection, partition, storable(orderId), owner, viewId];
      type Row = { position: string; version: number };
      const row = (await read<Row>(pool, { text, values }, signal)).rows[0];
      return row && { position: BigInt(row.position), version: row.version };
    },
    async parkedEvent(partition, position, signal) {
      const text =
        'SELECT FROM dead_letter WHERE projection = $1 AND position = $2 AND partition = $3';
      const values = [postgresProjection, String(position), partition];
      return (await read(pool, { text, values }, signal)).rows.length > 0;
    },
    // A commit is visible to every statement that starts after it.
    searchable: async (_partition, _position, signal) => signal.throwIfAborted(),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
