import { Enrichment } from '@ordermesh/contract';
import { deadLetterRow } from '../dead-letter-row.ts';
import { newestViews } from '../newest-views.ts';
import type { IncompleteRequest, OrderViewWriter, ViewBatch } from '../order-view-writer.ts';
import { RefusedViewsError } from '../refused-views-error.ts';
import type { StoredOrder } from '../stored-order.ts';
import { ViewsLostError } from '../views-lost-error.ts';
import { bulk } from './bulk.ts';
import { connect, type ElasticsearchViewOptions, refreshIndex } from './connection.ts';
import { readLetters, readParked } from './dead-letters.ts';
import { isIndexMissing, statusOf } from './errors.ts';
import { elasticsearchProjection, viewIndices } from './indices.ts';
import { prepareIndices, type WriteAliases } from './prepare.ts';
import { readCheckpoint, readViews } from './read-views.ts';
import { refresher } from './refresher.ts';
import { search } from './search.ts';
import { viewItem } from './view-document.ts';

/** How long one look at the indices serves all partitions; a rebalance assigns a dozen of them at once. */
const lookEveryMs = 1_000;

/** Options of {@link elasticsearchViewWriter}. */
export interface ElasticsearchWriterOptions extends ElasticsearchViewOptions {
  /** Told about each checkpoint as soon as it is written, to wake readers ({@link postgresAnnouncer}); must not throw. Without it they poll. */
  readonly announce?: ((partition: number, position: bigint) => void) | undefined;
}

/**
 * Writes views to Elasticsearch, which has no transactions: views first, then dead letters, the checkpoint last, each durable when it is answered.
 * Whoever sees the checkpoint sees all of the batch. A batch that fails in between is written again, by this process or, from the
 * checkpoint that is left, by the next one: its views are refused as already written, its dead letters have their positions as ids
 * and do not count before the checkpoint. Connects lazily; the indices have to be there ({@link prepareElasticsearchView}).
 *
 * When an index is gone, every call but `checkpoint` throws ViewsLostError. `checkpoint` makes the indices again, and from then on that
 * partition's batches count; those of a partition whose `checkpoint` was asked for before never do.
 */
export function elasticsearchViewWriter(options: ElasticsearchWriterOptions): OrderViewWriter {
  const connection = connect(options);
  const indices = viewIndices(options.projection ?? elasticsearchProjection);
  const { views, deadLetters, checkpoints } = indices;
  const general = { deadLetters: deadLetters.alias, checkpoints: checkpoints.alias };
  const viewRefreshes = refresher(() => refreshIndex(connection, views.alias), 100);
  const deadLetterRefreshes = refresher(() => refreshIndex(connection, deadLetters.alias), 100);

  /** Where a partition is written: to the indices that its checkpoint was read from, and to none that came after them. */
  const targets = new Map<number, WriteAliases>();
  let looked: { readonly aliases: Promise<WriteAliases>; readonly at: number } | undefined;

  /** Looks at the indices, and makes them if they are gone; all partitions that are assigned within a moment share one look. */
  function currentAliases(): Promise<WriteAliases> {
    if (looked === undefined || performance.now() - looked.at > lookEveryMs) {
      const look = { aliases: prepareIndices(connection, indices), at: performance.now() };
      looked = look;
      look.aliases.catch(() => {
        if (looked === look) looked = undefined;
      });
    }
    return looked.aliases;
  }

  async function orLost<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const lost = isIndexMissing(error)
        ? new ViewsLostError(`an index of ${views.alias} is gone`, { cause: error })
        : error;
      if (lost instanceof ViewsLostError) looked = undefined;
      throw lost;
    }
  }

  async function writeViews(orders: readonly StoredOrder[]): Promise<void> {
    const refused = await bulk(connection, views.alias, newestViews(orders).map(viewItem));
    if (refused.size > 0) throw new RefusedViewsError(refused);
  }

  async function writeCheckpoint(
    index: string,
    { partition, position, eventId, logId }: ViewBatch,
  ): Promise<void> {
    const version = String(position) as unknown as number; // goes into the URL; a number would be rounded beyond 2^53
    await connection
      .send((client, options) =>
        client.index(
          {
            index,
            id: String(partition),
            version,
            version_type: 'external',
            require_alias: true,
            document: {
              partition,
              position: String(position),
              event_id: eventId,
              log_id: logId,
            },
          },
          options,
        ),
      )
      .catch((error: unknown) => {
        if (statusOf(error) !== 409) throw error; // 409: it is there or beyond already
      });
  }

  async function incompleteIds({ partitions, kind, limit }: IncompleteRequest, after?: string) {
    const enrichment = kind === 'pending' ? Enrichment.PENDING : Enrichment.CUSTOMER_UNKNOWN;
    const filter = [{ term: { enrichment } }, { terms: { partition: [...partitions] } }];
    const hits = await search<never>(connection, views.alias, {
      query: { bool: { filter } },
      sort: [{ order_id: 'asc' }],
      size: limit,
      _source: false,
      ...(after !== undefined && { search_after: [after] }),
    });
    return hits.flatMap(({ _id }) => _id ?? []);
  }

  async function write(batch: ViewBatch): Promise<void> {
    const { partition, position, orders, dead, revived = [] } = batch;
    const { deadLetters, checkpoints } = targets.get(partition) ?? general;
    await writeViews(orders);
    if (dead.length > 0) {
      const rows = dead.map(deadLetterRow);
      const items = rows.map((document) => ({
        id: document.position,
        action: { create: { _id: document.position } },
        document,
      }));
      const refused = await bulk(connection, deadLetters, items);
      for (const [at, why] of refused) throw new Error(`dead letter ${at} was refused: ${why}`);
      await deadLetterRefreshes.refreshed(); // searched by order and partition from the checkpoint on
    }
    if (revived.length > 0) {
      const items = revived.map(String).map((id) => ({ id, action: { delete: { _id: id } } }));
      await bulk(connection, deadLetters, items);
      await deadLetterRefreshes.refreshed();
    }
    await writeCheckpoint(checkpoints, batch);
    options.announce?.(partition, position);
  }

  async function incomplete(request: IncompleteRequest): Promise<readonly StoredOrder[]> {
    // What was written a moment ago must not be missed, and what was completed a moment ago must not be answered as it was before: an owner
    // folds the next event into what this answers. So ids from a fresh search, views by id.
    await viewRefreshes.refreshed();
    const found: StoredOrder[] = [];
    let after = request.after;
    for (;;) {
      const ids = await incompleteIds(request, after);
      const current = await readViews(connection, indices, ids);
      for (const id of ids) {
        const stored = current.get(id);
        if (stored && isIncomplete(stored, request.kind)) found.push(stored);
      }
      after = ids.at(-1);
      if (ids.length < request.limit || found.length >= request.limit) break;
    }
    return found.slice(0, request.limit);
  }

  return {
    load: (orderIds) => orLost(readViews(connection, indices, orderIds)),

    async checkpoint(partition) {
      const aliases = await currentAliases();
      const last = await orLost(readCheckpoint(connection, aliases.checkpoints, partition));
      targets.set(partition, aliases);
      return last;
    },

    parked: (partition) => orLost(readParked(connection, indices, { partition })),

    deadLetters: (partition, orderId) =>
      orLost(readLetters(connection, indices, { partition, orderId })),

    write: (batch) => orLost(write(batch)),

    writeEnrichment: (orders) => orLost(writeViews(orders)),

    incomplete: (request) => orLost(incomplete(request)),

    async [Symbol.asyncDispose]() {
      viewRefreshes[Symbol.dispose]();
      deadLetterRefreshes[Symbol.dispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

const isIncomplete = ({ customerRevision }: StoredOrder, kind: IncompleteRequest['kind']) =>
  customerRevision === (kind === 'pending' ? 0 : 1);
