import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type ListOrdersRequest,
  type Order,
  pageSize,
  type SearchOrdersRequest,
} from '@ordermesh/contract';
import { type Keyset, type OrderBy, type OrderPage, orderBys } from '@ordermesh/read-model';
import type { CallContext } from '@ordermesh/rpc';
import { behind, boundedWait } from './bounded-wait.ts';
import { refuseParkedEvent, wantedWrites } from './consistency.ts';
import type { Views } from './views.ts';

interface Page {
  readonly orders: Order[];
  readonly nextPageToken: string;
}

/** A customer's orders, newest first. @throws ReasonError PAGE_TOKEN_INVALID, EVENTUAL_CONSISTENCY_TIMEOUT */
export async function listOrders(
  views: Views,
  request: ListOrdersRequest,
  call: CallContext,
): Promise<Page> {
  const { customerId } = request;
  return page(views, request, ['ListOrders', customerId], call, (limit, after) =>
    views.reader.list({ customerId, limit, after }, call.signal),
  );
}

/** Orders by text and filters. @throws ReasonError PAGE_TOKEN_INVALID, EVENTUAL_CONSISTENCY_TIMEOUT */
export async function searchOrders(
  views: Views,
  request: SearchOrdersRequest,
  call: CallContext,
): Promise<Page> {
  const { query, status, customerId, createdAfter, createdBefore, currencyCode } = request;
  const filter = {
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
  return page(views, request, scope, call, (limit, after) =>
    views.reader.search({ ...filter, limit, after }, call.signal),
  );
}

async function page(
  views: Views,
  request: { readonly pageSize: number; readonly pageToken: string },
  scope: unknown,
  call: CallContext,
  read: (limit: number, after: Keyset | undefined) => Promise<OrderPage>,
): Promise<Page> {
  const { tokens } = views;
  const after = request.pageToken ? tokens.read(scope, request.pageToken) : undefined;
  await containWrites(views, call);
  const { orders, next } = await read(pageSize(request.pageSize), after);
  return { orders: [...orders], nextPageToken: next ? tokens.sign(scope, next) : '' };
}

/** Waits until the view contains every write that the caller's tokens name. */
async function containWrites(views: Views, call: CallContext): Promise<void> {
  const wanted = wantedWrites(call, views.partitions);
  if (wanted.size === 0) return;
  const { reader, notifier } = views;
  const contained = async ([partition, position]: [number, bigint], signal: AbortSignal) => {
    await notifier.reached(partition, position, signal);
    await refuseParkedEvent(reader, partition, position, signal);
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
