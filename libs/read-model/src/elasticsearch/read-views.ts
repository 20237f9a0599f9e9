import type { StoredOrder } from '../stored-order.ts';
import { ViewsLostError } from '../views-lost-error.ts';
import type { Connection } from './connection.ts';
import { ElasticsearchUnavailableError } from './errors.ts';
import type { ViewIndices } from './indices.ts';
import { fromDocument, type StoredDocument, storedFields } from './view-document.ts';

/** Reads documents by id in real time: everything that was written before, searchable or not. Those that exist, in any order. */
async function documents<T>(
  connection: Connection,
  alias: string,
  request: { readonly ids: string[]; readonly _source?: string[] },
  signal: AbortSignal | undefined,
): Promise<{ readonly _id: string; readonly _version: number; readonly _source: T }[]> {
  if (request.ids.length === 0) return [];
  const { docs } = await connection.send(
    (client, options) => client.mget<T>({ index: alias, ...request }, options),
    signal,
  );
  return docs.flatMap((doc) => {
    if ('error' in doc) {
      const what = `reading ${doc._id} of ${alias}: ${doc.error.reason}`;
      throw doc.error.type === 'index_not_found_exception'
        ? new ViewsLostError(what)
        : new ElasticsearchUnavailableError(what);
    }
    const { _id, _version, _source } = doc;
    return _source !== undefined && _version !== undefined ? [{ _id, _version, _source }] : [];
  });
}

/** Some orders' views, by order id. */
export async function readViews(
  connection: Connection,
  { views }: ViewIndices,
  orderIds: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, StoredOrder>> {
  const request = { ids: [...new Set(orderIds)], _source: storedFields };
  const found = await documents<StoredDocument>(connection, views.alias, request, signal);
  return new Map(found.map((doc) => [doc._id, fromDocument(doc._source, doc._version)]));
}

/**
 * Checkpoints of some partitions, 0 where there is none yet.
 * @param alias of the checkpoints
 */
export async function readCheckpoints(
  connection: Connection,
  alias: string,
  partitions: readonly number[],
  signal?: AbortSignal,
): Promise<Map<number, bigint>> {
  type Checkpoint = { partition: number; position: string };
  const ids = [...new Set(partitions)].map(String);
  const found = await documents<Checkpoint>(connection, alias, { ids }, signal);
  const all = new Map(partitions.map((partition) => [partition, 0n]));
  // From the document, where it is a text: the same number in `_version` would be rounded beyond 2^53.
  for (const { _source } of found) all.set(_source.partition, BigInt(_source.position));
  return all;
}

/** True if there is a dead letter of this position in this partition. */
export async function isDeadLetter(
  connection: Connection,
  { deadLetters }: ViewIndices,
  partition: number,
  position: bigint,
  signal: AbortSignal,
): Promise<boolean> {
  const request = { ids: [String(position)], _source: ['partition'] };
  type Letter = { partition: number };
  const found = await documents<Letter>(connection, deadLetters.alias, request, signal);
  return found.some(({ _source }) => _source.partition === partition);
}
