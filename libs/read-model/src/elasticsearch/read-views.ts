import type { LastEvent } from '@ordermesh/contract';
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

interface CheckpointDocument {
  readonly partition: number;
  /** A text: the same number in `_version` would be rounded beyond 2^53. */
  readonly position: string;
  readonly event_id?: string;
  readonly log_id?: string;
}

/**
 * The last event of a partition.
 * @param alias of the checkpoints
 */
export async function readCheckpoint(
  connection: Connection,
  alias: string,
  partition: number,
): Promise<LastEvent> {
  const request = { ids: [String(partition)] };
  const [found] = await documents<CheckpointDocument>(connection, alias, request, undefined);
  if (found === undefined) return { position: 0n };
  const { position, event_id: eventId, log_id: logId } = found._source;
  return { position: BigInt(position), eventId, logId };
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
  const ids = [...new Set(partitions)].map(String);
  const found = await documents<CheckpointDocument>(connection, alias, { ids }, signal);
  const all = new Map(partitions.map((partition) => [partition, 0n]));
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
