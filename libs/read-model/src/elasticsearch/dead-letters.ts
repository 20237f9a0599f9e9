import { type deadLetterRow, storable } from '../dead-letter-row.ts';
import type { ParkedOrder } from '../order-view-writer.ts';
import type { Connection } from './connection.ts';
import type { ViewIndices } from './indices.ts';
import { readCheckpoints } from './read-views.ts';
import { search } from './search.ts';

const pageSize = 1_000;

type Row = Pick<ReturnType<typeof deadLetterRow>, 'order_id' | 'version' | 'position'>;

/**
 * First dead letters of a partition's orders, or of one of them. Letters beyond the checkpoint do not count: their batch failed before its end and
 * comes again.
 */
export async function readParked(
  connection: Connection,
  indices: ViewIndices,
  { partition, orderId }: { readonly partition: number; readonly orderId?: string },
  signal?: AbortSignal,
): Promise<Map<string, ParkedOrder>> {
  const checkpoints = await readCheckpoints(
    connection,
    indices.checkpoints.alias,
    [partition],
    signal,
  );
  const filter = [
    { term: { partition } },
    { range: { position: { gt: 0, lte: String(checkpoints.get(partition)) } } },
    ...(orderId === undefined ? [] : [{ term: { order_id: storable(orderId) } }]),
  ];
  const first = new Map<string, ParkedOrder>();
  const size = orderId === undefined ? pageSize : 1;
  let after: [string] | undefined;
  do {
    const request = {
      query: { bool: { filter } },
      sort: [{ position: 'asc' as const }],
      size,
      _source: ['order_id', 'version', 'position'],
      ...(after && { search_after: after }),
    };
    const hits = await search<Row>(connection, indices.deadLetters.alias, request, signal);
    const rows = hits.flatMap(({ _source }) => _source ?? []);
    for (const { order_id, position, version } of rows)
      if (!first.has(order_id)) first.set(order_id, { position: BigInt(position), version });
    const last = rows.at(-1);
    after = rows.length === pageSize && last !== undefined ? [last.position] : undefined;
  } while (after !== undefined);
  return first;
}
