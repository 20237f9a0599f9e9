import { Enrichment } from '@ordermesh/contract';
import { deadLetterRow } from '../dead-letter-row.ts';
import { newestViews } from '../newest-views.ts';
import type { IncompleteRequest, OrderViewWriter, ViewBatch } from '../order-view-writer.ts';
import { RefusedViewsError } from '../refused-views-error.ts';
import type { StoredOrder } from '../stored-order.ts';
import { bulk } from './bulk.ts';
import { connect, type ElasticsearchViewOptions, refreshIndex } from './connection.ts';
import { readParked } from './dead-letters.ts';
import { statusOf } from './errors.ts';
import { elasticsearchProjection, viewIndices } from './indices.ts';
import { readCheckpoint, readViews } from './read-views.ts';
import { refresher } from './refresher.ts';
import { search } from './search.ts';
import { viewItem } from './view-document.ts';

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
 */
export function elasticsearchViewWriter(options: ElasticsearchWriterOptions): OrderViewWriter {
  const connection = connect(options);
  const indices = viewIndices(options.projection ?? elasticsearchProjection);
  const { views, deadLetters, checkpoints } = indices;
  const viewRefreshes = refresher(() => refreshIndex(connection, views.alias), 100);
  const deadLetterRefreshes = refresher(() => refreshIndex(connection, deadLetters.alias), 100);

  async function writeViews(orders: readonly StoredOrder[]): Promise<void> {
    const refused = await bulk(connection, views.alias, newestViews(orders).map(viewItem));
    if (refused.size > 0) throw new RefusedViewsError(refused);
  }

  async function writeCheckpoint({ partition, position, eventId, logId }: ViewBatch) {
    const version = String(position) as unknown as number; // goes into the URL; a number would be rounded beyond 2^53
    await connection
      .send((client, options) =>
        client.index(
          {
            index: checkpoints.alias,
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

  return {
    load: (orderIds) => readViews(connection, indices, orderIds),

    checkpoint: (partition) => readCheckpoint(connection, indices, partition),

    parked: (partition) => readParked(connection, indices, { partition }),

    async write(batch) {
      const { partition, position, orders, dead } = batch;
      await writeViews(orders);
      if (dead.length > 0) {
        const rows = dead.map(deadLetterRow);
        const items = rows.map((document) => ({
          id: document.position,
          action: { create: { _id: document.position } },
          document,
        }));
        const refused = await bulk(connection, deadLetters.alias, items);
        for (const [at, why] of refused) throw new Error(`dead letter ${at} was refused: ${why}`);
        await deadLetterRefreshes.refreshed(); // searched by order and partition from the checkpoint on
      }
      await writeCheckpoint(batch);
      options.announce?.(partition, position);
    },

    writeEnrichment: writeViews,

    async incomplete(request) {
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
    },

    async [Symbol.asyncDispose]() {
      viewRefreshes[Symbol.dispose]();
      deadLetterRefreshes[Symbol.dispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

const isIncomplete = ({ customerRevision }: StoredOrder, kind: IncompleteRequest['kind']) =>
  customerRevision === (kind === 'pending' ? 0 : 1);
