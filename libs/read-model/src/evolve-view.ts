import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  Enrichment,
  type Money,
  type Order,
  type OrderCreated,
  type OrderItemAdded,
  type OrderItemRemoved,
  OrderSchema,
  OrderStatus,
} from '@ordermesh/contract';
import type { DecodedEvent } from './decode-event.ts';
import { PoisonError } from './poison-error.ts';
import type { StoredOrder } from './stored-order.ts';
import { customerRevisions } from './view-revision.ts';

/** True if a view contains the event already: to be dropped before {@link evolveView}. */
export function isDuplicate(view: Order | undefined, event: DecodedEvent): boolean {
  return event.version <= (view?.version ?? 0);
}

/**
 * The view after one more event. Pure: the given view stays as it is. Customer fields are kept; a new view's are ENRICHMENT_PENDING.
 * @param view undefined before the first event
 * @throws PoisonError `invariant` if the version is not the next one, the first event is not OrderCreated or a later one is, or an event holds what no
 * order can have
 */
export function evolveView(view: Order | undefined, decoded: DecodedEvent): Order {
  const { event, version, position } = decoded;
  const next = (view?.version ?? 0) + 1;
  if (version !== next) throw broken(decoded, `expected version ${next}`);
  const at = timestampFromDate(decoded.occurredAt);
  const seen = { version, position, updatedAt: at };
  if (event.$typeName === 'ordermesh.order.v1.OrderCreated') {
    if (view !== undefined) throw broken(decoded, 'the order exists already');
    return create(OrderSchema, { ...created(decoded, event), ...seen });
  }
  if (view === undefined) throw broken(decoded, 'the first event must be OrderCreated');
  switch (event.$typeName) {
    case 'ordermesh.order.v1.OrderConfirmed':
      return { ...view, ...seen, status: OrderStatus.CONFIRMED, confirmedAt: at };
    case 'ordermesh.order.v1.OrderPaid': {
      const { paymentId } = event;
      return { ...view, ...seen, status: OrderStatus.PAID, paidAt: at, paymentId };
    }
    case 'ordermesh.order.v1.OrderShipped': {
      const { trackingNumber } = event;
      return { ...view, ...seen, status: OrderStatus.SHIPPED, shippedAt: at, trackingNumber };
    }
    case 'ordermesh.order.v1.OrderDelivered':
      return { ...view, ...seen, status: OrderStatus.DELIVERED, deliveredAt: at };
    case 'ordermesh.order.v1.OrderCancelled': {
      const { reason } = event;
      return {
        ...view,
        ...seen,
        status: OrderStatus.CANCELLED,
        cancelledAt: at,
        cancelReason: reason,
      };
    }
    case 'ordermesh.order.v1.OrderItemAdded':
      return { ...view, ...seen, ...withItem(decoded, event, view) };
    case 'ordermesh.order.v1.OrderItemRemoved':
      return { ...view, ...seen, ...withoutItem(decoded, event, view) };
    case 'ordermesh.order.v1.ShippingAddressChanged': {
      const { shippingAddress } = event;
      if (shippingAddress === undefined) throw broken(decoded, 'shipping_address is missing');
      return { ...view, ...seen, shippingAddress };
    }
    default:
      return unknownEvent(event);
  }
}

/** {@link evolveView} on what a store keeps: the customer's part stays, the trace context becomes the event's. */
export function applyEvent(stored: StoredOrder | undefined, decoded: DecodedEvent): StoredOrder {
  return {
    order: evolveView(stored?.order, decoded),
    partition: decoded.partition,
    customerRevision: stored?.customerRevision ?? customerRevisions.pending,
    traceparent: decoded.traceparent,
    tracestate: decoded.tracestate,
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
// The range of a protobuf timestamp, 0001-01-01 to 9999-12-31.
const firstSecond = -62_135_596_800n;
const lastSecond = 253_402_300_799n;

/** Refuses what a store's columns could not take: there it would hold up the whole partition instead of parking one order. */
function created(decoded: DecodedEvent, event: OrderCreated) {
  const { customerId, items, shippingAddress, total, createdAt, estimatedDeliveryAt } = event;
  if (!uuid.test(customerId)) throw broken(decoded, 'customer_id is no UUID');
  if (createdAt === undefined) throw broken(decoded, 'created_at is missing');
  const { seconds, nanos } = createdAt;
  if (seconds < firstSecond || seconds > lastSecond || nanos < 0 || nanos > 999_999_999)
    throw broken(decoded, 'created_at is out of range');
  return {
    orderId: decoded.orderId,
    status: OrderStatus.PENDING,
    customerId: customerId.toLowerCase(),
    enrichment: Enrichment.PENDING,
    items,
    createdAt,
    total: totalOf(decoded, total),
    ...(shippingAddress && { shippingAddress }),
    ...(estimatedDeliveryAt && { estimatedDeliveryAt }),
  };
}

/** The view's items and total after more of a product: the event's line takes the place of the first of its product at its price. */
function withItem(decoded: DecodedEvent, { item, total }: OrderItemAdded, { items }: Order) {
  if (item?.unitPrice === undefined) throw broken(decoded, 'item or its price is missing');
  const { productId, unitPrice } = item;
  const index = items.findIndex(
    (line) => line.productId === productId && line.unitPrice?.minorUnits === unitPrice.minorUnits,
  );
  return {
    items: index < 0 ? [...items, item] : items.with(index, item),
    total: totalOf(decoded, total),
  };
}

/** The view's items and total without a product. */
function withoutItem(
  decoded: DecodedEvent,
  { productId, total }: OrderItemRemoved,
  { items }: Order,
) {
  const left = items.filter((line) => line.productId !== productId);
  if (left.length === items.length) throw broken(decoded, 'the order has no such product');
  return { items: left, total: totalOf(decoded, total) };
}

function totalOf(decoded: DecodedEvent, total: Money | undefined): Money {
  if (!total || !/^[A-Z]{3}$/.test(total.currencyCode))
    throw broken(decoded, 'total has no currency');
  return total;
}

function broken({ event, orderId, version }: DecodedEvent, what: string): PoisonError {
  return new PoisonError(
    'invariant',
    `${event.$typeName} as version ${version} of ${orderId}: ${what}`,
  );
}

function unknownEvent(event: never): never {
  throw new Error(`no view for ${JSON.stringify(event)}`);
}
