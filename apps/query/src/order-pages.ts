import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { ownerOf } from '@ordermesh/auth';
import {
  type ListOrdersRequest,
  type Order,
  ownedScope,
  pageSize,
  ReasonError,
  type SearchOrdersRequest,
} from '@ordermesh/contract';
import {
  type Keyset,
  type OrderBy,
  type OrderPage,
  type OrderViewReader,
  orderBys,
} from '@ordermesh/read-model';
import type { CallContext } from '@ordermesh/rpc';
import { behind, boundedWait } from './bounded-wait.ts';
import { refuseParkedEvent, wantedWrites } from './consistency.ts';
import { firstAnswer } from './first-answer.ts';
import { requireOwn } from './require-own.ts';
import { lookupStores, searchStores, type ViewStore, type Views } from './views.ts';

interface Page {
  readonly orders: Order[];
  readonly nextPageToken: string;
}

/**
 * A customer's orders, newest first.
 * @throws ReasonError CUSTOMER_NOT_FOUND for a customer who is not the caller, there or not; PAGE_TOKEN_INVALID, EVENTUAL_CONSISTENCY_TIMEOUT,
 * DEPENDENCY_UNAVAILABLE
 */
export async function listOrders(
  views: Views,
  request: ListOrdersRequest,
  call: CallContext,
): Promise<Page> {
  const { customerId } = request;
  const owner = ownerOf(call.principal);
  if (owner !== undefined && customerId !== owner) {
    const resource = { type: 'customer', name: customerId };
    throw new ReasonError('CUSTOMER_NOT_FOUND', `There is no customer ${customerId}.`, {
      resource,
    });
  }
  const pages: PageQuery = {
    stores: lookupStores(views),
    owner,
    scope: ['ListOrders', customerId],
    sticky: false,
    read: (reader, limit, after) => reader.list({ customerId, owner, limit, after }, call.signal),
  };
  return page(views, request, pages, call);
}

/**
 * Orders by text and filters, of those that are the caller's. The pages of one relevance order come from one store, because the other ranks otherwise.
 * @throws ReasonError PAGE_TOKEN_INVALID, EVENTUAL_CONSISTENCY_TIMEOUT, DEPENDENCY_UNAVAILABLE
 */
export async function searchOrders(
  views: Views,
  request: SearchOrdersRequest,
  call: CallContext,
): Promise<Page> {
  const { query, status, customerId, createdAfter, createdBefore, currencyCode } = request;
  const owner = ownerOf(call.principal);
  const filter = {
    owner,
    query: query || undefined,
    status,
    customerId: customerId || undefined,
    createdAfter,
    createdBefore,
    minTotal: request.minTotal,
    maxTotal: request.maxTotal,
    currencyCode: currencyCode || undefined,
    orderBy: orderByOf(request.orderBy),
  };
  const scope = [
    'SearchOrders',
    ...[query, [...status].sort(), customerId, currencyCode, filter.orderBy],
    ...[
      text(createdAfter),
      text(createdBefore),
      String(request.minTotal),
      String(request.maxTotal),
    ],
  ];
  const pages: PageQuery = {
    stores: searchStores(views),
    owner,
    scope,
    sticky: filter.orderBy === 'relevance',
    read: (reader, limit, after) => reader.search({ ...filter, limit, after }, call.signal),
  };
  return page(views, request, pages, call);
}

interface PageQuery {
  /** The best first. */
  readonly stores: readonly ViewStore[];
  /** Whose orders; undefined for everybody's. */
  readonly owner: string | undefined;
  /** Everything else that must stay the same from page to page. */
  readonly scope: readonly unknown[];
  /** True if only the store that made a page can continue it. */
  readonly sticky: boolean;
  read(reader: OrderViewReader, limit: number, after: Keyset | undefined): Promise<OrderPage>;
}

async function page(
  views: Views,
  request: { readonly pageSize: number; readonly pageToken: string },
  { stores, owner, scope: query, sticky, read }: PageQuery,
  call: CallContext,
): Promise<Page> {
  const { tokens } = views;
  const scope = ownedScope(query, owner);
  const signed = request.pageToken ? tokens.read(scope, request.pageToken) : undefined;
  const pageOf = (after: Keyset | undefined) => async (store: ViewStore) => {
    await containWrites(views, store, call);
    const { orders, next } = await read(store.reader, pageSize(request.pageSize), after);
    requireOwn(owner, orders);
    const keyset = next && (sticky ? [store.name, ...next] : next);
    return { orders: [...orders], nextPageToken: keyset ? tokens.sign(scope, keyset) : '' };
  };
  if (!sticky || signed === undefined) return firstAnswer(stores, call, pageOf(signed));
  const [made, ...after] = signed;
  const message =
    'Only the store that ranked the first page can continue it, and it is not available: try again, or start without a page token.';
  const maker = stores.filter(({ name }) => name === made);
  return firstAnswer(maker, call, pageOf(after), message);
}

/** Waits until searches in a store contain every write that the caller's tokens name. */
async function containWrites(views: Views, store: ViewStore, call: CallContext): Promise<void> {
  const wanted = wantedWrites(call, views.partitions);
  if (wanted.size === 0) return;
  const { reader, notifier } = store;
  // Also finds out at once that the store is down, where the notifier would wait for its return.
  const checkpoints = await reader.checkpoints([...wanted.keys()], call.signal);
  const contained = async ([partition, position]: [number, bigint], signal: AbortSignal) => {
    if ((checkpoints.get(partition) ?? 0n) < position)
      await notifier.reached(partition, position, signal);
    await refuseParkedEvent(reader, partition, position, signal);
    await reader.searchable(partition, position, signal);
  };
  await boundedWait(
    call,
    views.minVersionWaitMs,
    (signal) => Promise.all([...wanted].map((write) => contained(write, signal))),
    async () => behind({}),
  );
}

function orderByOf(requested: string): OrderBy {
  return orderBys.find((one) => one === requested) ?? 'createdAt desc';
}

const text = (time: Timestamp | undefined) => (time ? `${timestampMs(time)}.${time.nanos}` : '');
