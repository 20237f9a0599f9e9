import { fromBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@ordermesh/contract';
import { keysetBehind } from '../keyset.ts';
import type { OrderPage, OrderViewReader, SearchOrders } from '../order-view-reader.ts';
import { isShownTo, type Owner } from '../owner.ts';
import { connect, type ElasticsearchViewOptions, refreshIndex } from './connection.ts';
import { readParked } from './dead-letters.ts';
import { elasticsearchProjection, viewIndices } from './indices.ts';
import { isDeadLetter, readCheckpoints, readViews } from './read-views.ts';
import { refresher } from './refresher.ts';
import { search as searchIndex } from './search.ts';
import { searchRequest } from './search-request.ts';
import type { StoredDocument } from './view-document.ts';

/** Options of {@link elasticsearchViewReader}. */
export interface ElasticsearchReaderOptions extends ElasticsearchViewOptions {
  /** Least time between two refreshes that readers with consistency tokens ask for, in milliseconds. 100 by default. */
  readonly refreshEveryMs?: number | undefined;
}

/**
 * Reads views from Elasticsearch: single ones in real time, lists and searches as of the last refresh (once a second, see `searchable`). Connects
 * lazily; disposing waits for the reads in flight.
 */
export function elasticsearchViewReader(options: ElasticsearchReaderOptions): OrderViewReader {
  const connection = connect(options);
  const indices = viewIndices(options.projection ?? elasticsearchProjection);
  const refresh = () => refreshIndex(connection, indices.views.alias);
  const refreshes = refresher(refresh, options.refreshEveryMs ?? 100);
  /** Per partition, up to where searches see everything: callers keep sending the token of a write with all later requests. */
  const searchableTo = new Map<number, bigint>();

  async function search(request: SearchOrders, signal: AbortSignal): Promise<OrderPage> {
    signal.throwIfAborted();
    const body = searchRequest(request);
    if (body === undefined) return { orders: [], next: undefined };
    const hits = await searchIndex<StoredDocument>(connection, indices.views.alias, body, signal);
    const page = hits.slice(0, request.limit);
    const orders = page.flatMap(({ _source }) =>
      _source ? [fromBinary(OrderSchema, Buffer.from(_source.doc, 'base64'))] : [],
    );
    const last = orders.at(-1);
    const more = hits.length > page.length && last !== undefined;
    const rank = String(page.at(-1)?.sort?.[0]);
    return { orders, next: more ? keysetBehind(last, rank, request.orderBy) : undefined };
  }

  /** The one read that no filter reaches: Elasticsearch gets by id in real time or filters, so the document's owner is looked at here. */
  async function get(orderId: string, owner: Owner, signal: AbortSignal) {
    const stored = (await readViews(connection, indices, [orderId], signal)).get(orderId);
    return stored && isShownTo(owner, stored.order) ? stored : undefined;
  }

  return {
    get,
    list: (request, signal) => search({ ...request, orderBy: 'createdAt desc' }, signal),
    search,
    async checkpoint(partition, signal) {
      return (
        (await readCheckpoints(connection, indices.checkpoints.alias, [partition], signal)).get(
          partition,
        ) ?? 0n
      );
    },
    checkpoints: (partitions, signal) =>
      readCheckpoints(connection, indices.checkpoints.alias, partitions, signal),
    async searchable(partition, position, signal) {
      signal.throwIfAborted();
      if (position <= (searchableTo.get(partition) ?? 0n)) return;
      await refreshes.refreshed(signal);
      if (position > (searchableTo.get(partition) ?? 0n)) searchableTo.set(partition, position);
    },
    async parkedOrder(partition, orderId, owner, signal) {
      if (owner !== undefined && !(await get(orderId, owner, signal))) return undefined;
      const [first] = (
        await readParked(connection, indices, { partition, orderId }, signal)
      ).values();
      return first;
    },
    parkedEvent: (partition, position, signal) =>
      isDeadLetter(connection, indices, partition, position, signal),
    async [Symbol.asyncDispose]() {
      refreshes[Symbol.dispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}
