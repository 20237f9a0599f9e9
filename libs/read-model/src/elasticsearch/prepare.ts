import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { backoffMs } from '@ordermesh/postgres';
import { StartupError } from '@ordermesh/service';
import { type Connection, connect, type ElasticsearchViewOptions } from './connection.ts';
import { isElasticsearchPassing, statusOf, typeOf } from './errors.ts';
import { elasticsearchProjection, type ViewIndex, viewIndices } from './indices.ts';

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
      for (const index of Object.values(indices)) await prepare(connection, index, signal);
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

async function prepare(connection: Connection, wanted: ViewIndex, signal: AbortSignal) {
  const { index, alias } = wanted;
  if (!(await aliased(connection, alias, signal)).includes(index))
    await create(connection, wanted, signal);
  const targets = await aliased(connection, alias, signal);
  if (targets.length !== 1 || targets[0] !== index)
    throw new StartupError([
      `ELASTICSEARCH_URL: the alias ${alias} points to ${targets.join(', ') || 'nothing'}; it must point to ${index} alone, which this release writes`,
    ]);
  await refuseOtherMapping(connection, wanted, signal);
}

async function aliased(connection: Connection, alias: string, signal: AbortSignal) {
  try {
    const found = await connection.send(
      (client, options) => client.indices.getAlias({ name: alias }, options),
      signal,
    );
    return Object.keys(found);
  } catch (error) {
    if (statusOf(error) === 404) return [];
    throw error;
  }
}

/** Index and alias come into being in one step, so nobody finds one without the other. */
async function create(connection: Connection, wanted: ViewIndex, signal: AbortSignal) {
  const { index, alias, mappings } = wanted;
  const others = await aliased(connection, alias, signal);
  if (others.length > 0) return; // refused by the caller
  const body = {
    index,
    settings: {
      number_of_shards: 1, // one shard: every search asks one; a node takes thousands of these documents a second
      auto_expand_replicas: '0-1', // a copy where there is a second node, and no yellow state where there is none
      refresh_interval: '1s', // named, else a shard that nobody searched for 30 s stops to refresh and the next search waits
    },
    mappings: { dynamic: mappings.dynamic, properties: { ...mappings.properties } as never },
    aliases: { [alias]: { is_write_index: true } },
  };
  await connection
    .send((client, options) => client.indices.create(body, options), signal)
    .catch((error: unknown) => {
      if (typeOf(error) !== 'resource_already_exists_exception') throw error; // somebody else was faster
    });
}

/** Fields that this release does not know are harmless; a field that is missing or of another type is not. */
async function refuseOtherMapping(
  connection: Connection,
  { index, mappings }: ViewIndex,
  signal: AbortSignal,
) {
  const found = await connection.send(
    (client, options) => client.indices.getMapping({ index }, options),
    signal,
  );
  const { dynamic, properties = {} } = found[index]?.mappings ?? {};
  const wrong = Object.entries(mappings.properties).filter(
    ([field, wanted]) => !isDeepStrictEqual({ ...properties[field] }, { ...wanted }),
  );
  if (dynamic === mappings.dynamic && wrong.length === 0) return;
  const what = wrong.map(([field, wanted]) => {
    const actual = JSON.stringify(properties[field]) ?? 'absent';
    return `${field} is ${actual} and must be ${JSON.stringify(wanted)}`;
  });
  throw new StartupError([
    `ELASTICSEARCH_URL: the index ${index} has another mapping than this release: ${what.join('; ') || `dynamic is ${dynamic}`}. A changed mapping is a new generation: delete the index and its companions, and they are rebuilt from the log`,
  ]);
}
