import { type deadLetterRow, storable } from '../dead-letter-row.ts';
import type { LetterMessage, ParkedOrder } from '../order-view-writer.ts';
import type { Connection } from './connection.ts';
import type { ViewIndices } from './indices.ts';
import { readCheckpoints } from './read-views.ts';
import { search } from './search.ts';

const pageSize = 1_000;

type Row = ReturnType<typeof deadLetterRow>;

type Query = Awaited<ReturnType<typeof counting>>;

/** Dead letters of a partition, or of one of its orders. */
export interface WhoseLetters {
  readonly partition: number;
  readonly orderId?: string;
}

/**
 * First dead letters of a partition's orders, or of one of them. Letters beyond the checkpoint do not count: their batch failed before its end and
 * comes again.
 */
export async function readParked(
  connection: Connection,
  indices: ViewIndices,
  whose: WhoseLetters,
  signal?: AbortSignal,
): Promise<Map<string, ParkedOrder>> {
  const query = await counting(connection, indices, whose, signal);
  const fields = ['order_id', 'version', 'position'] as const;
  const size = whose.orderId === undefined ? pageSize : 1;
  const first = new Map<string, ParkedOrder>();
  for await (const row of rows(connection, indices, { query, fields, size }, signal)) {
    const { order_id, position, version } = row;
    if (!first.has(order_id)) first.set(order_id, { position: BigInt(position), version });
    if (size === 1) break;
  }
  return first;
}

/** What was put aside of one order up to the checkpoint, oldest first. */
export async function readLetters(
  connection: Connection,
  indices: ViewIndices,
  whose: Required<WhoseLetters>,
): Promise<LetterMessage[]> {
  const query = await counting(connection, indices, whose);
  const fields = ['position', 'value', 'headers'] as const;
  const found: LetterMessage[] = [];
  for await (const row of rows(connection, indices, { query, fields, size: pageSize })) {
    const { position, value, headers } = row;
    found.push({ position: BigInt(position), value: Buffer.from(value, 'base64'), headers });
  }
  return found;
}

async function counting(
  connection: Connection,
  { checkpoints }: ViewIndices,
  { partition, orderId }: WhoseLetters,
  signal?: AbortSignal,
) {
  const reached = await readCheckpoints(connection, checkpoints.alias, [partition], signal);
  const filter = [
    { term: { partition } },
    { range: { position: { gt: 0, lte: String(reached.get(partition)) } } },
    ...(orderId === undefined ? [] : [{ term: { order_id: storable(orderId) } }]),
  ];
  return { bool: { filter } };
}

async function* rows<F extends keyof Row>(
  connection: Connection,
  { deadLetters }: ViewIndices,
  page: {
    readonly query: Query;
    readonly fields: readonly (F | 'position')[];
    readonly size: number;
  },
  signal?: AbortSignal,
): AsyncGenerator<Pick<Row, F | 'position'>> {
  const { query, fields, size } = page;
  let after: [string] | undefined;
  do {
    const request = {
      query,
      sort: [{ position: 'asc' as const }],
      size,
      _source: [...fields],
      ...(after && { search_after: after }),
    };
    const hits = await search<Pick<Row, F | 'position'>>(
      connection,
      deadLetters.alias,
      request,
      signal,
    );
    const found = hits.flatMap(({ _source }) => _source ?? []);
    yield* found;
    const last = found.at(-1);
    after = found.length === size && last !== undefined ? [last.position] : undefined;
  } while (after !== undefined);
}
