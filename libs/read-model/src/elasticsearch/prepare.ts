import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { estypes } from '@elastic/elasticsearch';
import { backoffMs } from '@ordermesh/postgres';
import { StartupError } from '@ordermesh/service';
import { type Connection, connect, type ElasticsearchViewOptions } from './connection.ts';
import {
  ElasticsearchUnavailableError,
  isElasticsearchPassing,
  isIndexMissing,
  statusOf,
  typeOf,
} from './errors.ts';
import {
  basedAlias,
  elasticsearchProjection,
  type ViewIndex,
  type ViewIndices,
  viewIndices,
} from './indices.ts';

/** Options of {@link prepareElasticsearchView}. */
export interface PrepareElasticsearchOptions extends ElasticsearchViewOptions {
  /** Told about each failed try while the cluster cannot be reached. */
  readonly onWaiting?: ((error: unknown) => void) | undefined;
}

/**
 * Resolves when the three indices are there, each behind its alias and with the mapping of this release: made by this call or before. Any number of
 * processes may call it at once. Waits for a cluster that cannot be reached until the signal fires.
 * @throws StartupError when an index has another mapping, or an alias points to another index; the signal's reason
 */
export async function prepareElasticsearchView(
  options: PrepareElasticsearchOptions,
  signal: AbortSignal,
): Promise<void> {
  await using connection = connect(options);
  const indices = viewIndices(options.projection ?? elasticsearchProjection);
  for (let failures = 1; ; failures++) {
    try {
      await prepareIndices(connection, indices, signal);
      return;
    } catch (error) {
      if (signal.aborted || !isElasticsearchPassing(error)) throw error;
      options.onWaiting?.(error);
    }
    await sleep(backoffMs(failures, 200, 5_000, Math.random), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    );
  }
}

/** The aliases that are written through; a write through one that is gone makes nothing. */
export interface WriteAliases {
  readonly deadLetters: string;
  readonly checkpoints: string;
}

/**
 * Makes what is missing of the three indices, once and without waiting. With an index everything that is based on it is made anew, empty: the
 * log is then read from the beginning.
 * @returns where to write from now on, see {@link basedAlias}
 * @throws as {@link prepareElasticsearchView}, and what {@link isElasticsearchPassing} knows
 */
export async function prepareIndices(
  connection: Connection,
  indices: ViewIndices,
  signal?: AbortSignal,
): Promise<WriteAliases> {
  const { views, deadLetters, checkpoints } = indices;
  const viewsId = await prepare(connection, views, undefined, signal);
  const lettersId = await prepare(connection, deadLetters, viewsId, signal);
  await prepare(connection, checkpoints, lettersId, signal);
  return {
    deadLetters: basedAlias(deadLetters, viewsId),
    checkpoints: basedAlias(checkpoints, lettersId),
  };
}

/**
 * @param basis uuid of the index that this one is based on
 * @returns the uuid of the index
 */
async function prepare(
  connection: Connection,
  wanted: ViewIndex,
  basis: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  await refuseOtherTarget(connection, wanted, signal);
  let found = await existing(connection, wanted, signal);
  if (found !== undefined && !isBasedOn(found, basis)) {
    await remove(connection, wanted, signal);
    found = undefined;
  }
  if (found === undefined) {
    await create(connection, wanted, basis, signal);
    found = await existing(connection, wanted, signal);
  }
  const uuid = found?.settings?.index?.uuid;
  // Another process makes them, too, and was one step behind or ahead: trying again settles it.
  if (found === undefined || uuid === undefined || !isBasedOn(found, basis))
    throw new ElasticsearchUnavailableError(`${wanted.index} is being made by another process`);
  if (found.aliases?.[wanted.alias] === undefined) throw otherTarget(wanted, []);
  refuseOtherMapping(wanted, found.mappings);
  return uuid;
}

const isBasedOn = ({ mappings }: estypes.IndicesIndexState, basis: string | undefined) =>
  basis === undefined || mappings?._meta?.basis === basis;

async function existing(
  connection: Connection,
  { index }: ViewIndex,
  signal: AbortSignal | undefined,
): Promise<estypes.IndicesIndexState | undefined> {
  try {
    const found = await connection.send(
      (client, options) => client.indices.get({ index }, options),
      signal,
    );
    return found[index];
  } catch (error) {
    if (isIndexMissing(error)) return undefined;
    throw error;
  }
}

async function refuseOtherTarget(
  connection: Connection,
  wanted: ViewIndex,
  signal: AbortSignal | undefined,
) {
  const { index, alias } = wanted;
  const targets = await connection
    .send((client, options) => client.indices.getAlias({ name: alias }, options), signal)
    .catch((error: unknown) => {
      if (statusOf(error) === 404) return {};
      throw error;
    });
  const others = Object.keys(targets).filter((target) => target !== index);
  if (others.length > 0) throw otherTarget(wanted, Object.keys(targets));
}

const otherTarget = ({ index, alias }: ViewIndex, targets: readonly string[]) =>
  new StartupError([
    `ELASTICSEARCH_URL: the alias ${alias} points to ${targets.join(', ') || 'nothing'}; it must point to ${index} alone, which this release writes`,
  ]);

/** Index and aliases come into being in one step, so nobody finds one without the other. */
async function create(
  connection: Connection,
  wanted: ViewIndex,
  basis: string | undefined,
  signal: AbortSignal | undefined,
) {
  const { index, alias, mappings } = wanted;
  const body = {
    index,
    settings: {
      number_of_shards: 1, // one shard: every search asks one; a node takes thousands of these documents a second
      auto_expand_replicas: '0-1', // a copy where there is a second node, and no yellow state where there is none
      refresh_interval: '1s', // named, else a shard that nobody searched for 30 s stops to refresh and the next search waits
    },
    mappings: {
      dynamic: mappings.dynamic,
      properties: { ...mappings.properties } as never,
      ...(basis !== undefined && { _meta: { basis } }),
    },
    aliases: {
      [alias]: { is_write_index: true },
      ...(basis !== undefined && { [basedAlias(wanted, basis)]: { is_write_index: true } }),
    },
  };
  await connection
    .send((client, options) => client.indices.create(body, options), signal)
    .catch((error: unknown) => {
      if (typeOf(error) !== 'resource_already_exists_exception') throw error; // somebody else was faster
    });
}

async function remove(
  connection: Connection,
  { index }: ViewIndex,
  signal: AbortSignal | undefined,
) {
  await connection
    .send((client, options) => client.indices.delete({ index }, options), signal)
    .catch((error: unknown) => {
      if (!isIndexMissing(error)) throw error; // somebody else was faster
    });
}

/** Fields that this release does not know are harmless; a field that is missing or of another type is not. */
function refuseOtherMapping(
  { index, mappings }: ViewIndex,
  found: estypes.MappingTypeMapping | undefined,
) {
  const { dynamic, properties = {} } = found ?? {};
  const wrong = Object.entries(mappings.properties).filter(
    ([field, wanted]) => !isDeepStrictEqual({ ...properties[field] }, { ...wanted }),
  );
  if (dynamic === mappings.dynamic && wrong.length === 0) return;
  const what = wrong.map(([field, wanted]) => {
    const actual = JSON.stringify(properties[field]) ?? 'absent';
    return `${field} is ${actual} and must be ${JSON.stringify(wanted)}`;
  });
  throw new StartupError([
    `ELASTICSEARCH_URL: the index ${index} has another mapping than this release: ${what.join('; ') || `dynamic is ${dynamic}`}. A changed mapping is a new generation: delete the index, and it is rebuilt from the log with its companions`,
  ]);
}
