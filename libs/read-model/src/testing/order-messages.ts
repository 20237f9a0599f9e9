import { randomUUID } from 'node:crypto';
import { create, type MessageInitShape, toJsonString } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type BusMessage,
  type EventType,
  eventSchemas,
  type OrderCreatedSchema,
  partitionOf,
  toMessage,
} from '@ordermesh/contract';

/** What an order of {@link orderMessages} looks like; everything is optional. */
export interface OrderSpec {
  readonly orderId?: string;
  readonly customerId?: string;
  /** Item names. */
  readonly items?: readonly string[];
  /** Minor units. */
  readonly total?: bigint;
  readonly currencyCode?: string;
  /** Microseconds since 1970. */
  readonly createdAtMicros?: bigint;
  /** Position of the first event; each later one has the next. */
  readonly firstPosition?: bigint;
  /** Events after the first, by their types, or as {@link itemAdded} and {@link itemRemoved} make them. */
  readonly later?: readonly LaterEvent[];
}

type LaterType = Exclude<EventType, 'OrderCreated'>;
type EventBody = readonly [EventType, string];
type LaterEvent = LaterType | EventBody;

/** The product of the edits that are given by type alone. */
export const chair = '0d9c8e42-6f1b-4a57-8a3e-2f5f0c1d7e64';

/** An event that adds a line of one, or makes it one of `quantity`. @param total of the order after it, in minor units */
export function itemAdded(
  total: bigint,
  change: { productId?: string; productName?: string; quantity?: number; price?: bigint } = {},
  currencyCode = 'EUR',
): EventBody {
  const { productId = chair, productName = 'Chair', quantity = 1, price = 100n } = change;
  const message = create(eventSchemas.OrderItemAdded, {
    item: { productId, productName, quantity, unitPrice: { currencyCode, minorUnits: price } },
    addedQuantity: 1,
    total: { currencyCode, minorUnits: total },
  });
  return ['OrderItemAdded', toJsonString(eventSchemas.OrderItemAdded, message)];
}

/** An event that removes a product. @param total of the order after it, in minor units */
export function itemRemoved(total: bigint, productId = chair, currencyCode = 'EUR'): EventBody {
  const message = create(eventSchemas.OrderItemRemoved, {
    productId,
    removedQuantity: 1,
    total: { currencyCode, minorUnits: total },
  });
  return ['OrderItemRemoved', toJsonString(eventSchemas.OrderItemRemoved, message)];
}

/** Partitions of the fixtures' bus. */
export const partitions = 12;

const firstMs = Date.UTC(2026, 0, 2, 3, 4, 5);

/** One order's events as the bus carries them, oldest first; a minute apart. */
export function orderMessages(spec: OrderSpec = {}): BusMessage[] {
  const streamId = spec.orderId ?? randomUUID();
  const bodies: EventBody[] = [
    ['OrderCreated', createdJson(spec)],
    ...(spec.later ?? []).map(laterBody),
  ];
  return bodies.map(([type, data], index) =>
    toMessage(
      {
        position: (spec.firstPosition ?? 1n) + BigInt(index),
        partition: partitionOf(streamId, partitions),
        streamId,
        version: index + 1,
        type,
        schemaVersion: 1,
        eventId: randomUUID(),
        occurredAt: new Date(firstMs + index * 60_000),
        traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(6)}${index.toString(16).padStart(4, '0')}-01`,
        tracestate: null,
        data,
      },
      0n,
    ),
  );
}

function createdJson(spec: OrderSpec): string {
  const micros = spec.createdAtMicros ?? BigInt(firstMs) * 1000n;
  const currencyCode = spec.currencyCode ?? 'EUR';
  const minorUnits = spec.total ?? 4200n;
  const init: MessageInitShape<typeof OrderCreatedSchema> = {
    customerId: spec.customerId ?? randomUUID(),
    items: (spec.items ?? ['Lamp']).map((productName) => ({
      productId: randomUUID(),
      productName,
      quantity: 2,
      unitPrice: { currencyCode, minorUnits },
    })),
    shippingAddress: { recipient: 'Ada', line1: 'Main St 1', city: 'Graz', countryCode: 'AT' },
    total: { currencyCode, minorUnits },
    createdAt: { seconds: micros / 1_000_000n, nanos: Number(micros % 1_000_000n) * 1000 },
    estimatedDeliveryAt: timestampFromMs(firstMs + 5 * 86_400_000),
  };
  return toJsonString(eventSchemas.OrderCreated, create(eventSchemas.OrderCreated, init));
}

function laterBody(event: LaterEvent): EventBody {
  if (typeof event !== 'string') return event;
  if (event === 'OrderItemAdded') return itemAdded(4300n);
  if (event === 'OrderItemRemoved') return itemRemoved(4200n);
  return [event, laterJson(event)];
}

function laterJson(type: Exclude<LaterType, 'OrderItemAdded' | 'OrderItemRemoved'>): string {
  switch (type) {
    case 'OrderConfirmed':
    case 'OrderDelivered':
      return '{}';
    case 'OrderPaid':
      return '{"paymentId":"pay-1","amount":{"currencyCode":"EUR","minorUnits":"4200"}}';
    case 'OrderShipped':
      return '{"trackingNumber":"TRACK-1"}';
    case 'OrderCancelled':
      return '{"reason":"changed my mind"}';
    case 'ShippingAddressChanged':
      return '{"shippingAddress":{"recipient":"Grace","line1":"Side St 2","city":"Linz","countryCode":"AT"}}';
  }
}
