import { create, toJsonString } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type EventMessage,
  eventSchemas,
  readStoredEvent,
  schemaVersionOf,
} from '@ordermesh/contract';
import type { EventCodec } from '@ordermesh/event-sourcing';
import type { OrderEvent } from '@ordermesh/order';
import { addressOf, itemOf, moneyOf } from './request-values.ts';

/** The order's events as the log keeps them: the protobuf JSON of the catalogue's message. */
export const orderCodec: EventCodec<OrderEvent> = {
  encode(event) {
    const { type } = event;
    const data = toJsonString(eventSchemas[type], toMessage(event) as never);
    return { type, schemaVersion: schemaVersionOf(type), data };
  },
  decode(encoded) {
    return toEvent(readStoredEvent(encoded).message as EventMessage);
  },
};

function toMessage(event: OrderEvent): EventMessage {
  switch (event.type) {
    case 'OrderCreated':
      return create(eventSchemas.OrderCreated, {
        customerId: event.customerId,
        items: event.items.map((item) => ({ ...item })),
        shippingAddress: event.shippingAddress,
        total: event.total,
        createdAt: timestampFromMs(event.createdAt),
        estimatedDeliveryAt: timestampFromMs(event.estimatedDeliveryAt),
      });
    case 'OrderPaid':
      return create(eventSchemas.OrderPaid, { paymentId: event.paymentId, amount: event.amount });
    case 'OrderShipped':
      return create(eventSchemas.OrderShipped, { trackingNumber: event.trackingNumber });
    case 'OrderCancelled':
      return create(eventSchemas.OrderCancelled, { reason: event.reason });
    case 'OrderItemAdded': {
      const { item, addedQuantity, total } = event;
      return create(eventSchemas.OrderItemAdded, { item: { ...item }, addedQuantity, total });
    }
    case 'OrderItemRemoved': {
      const { productId, removedQuantity, total } = event;
      return create(eventSchemas.OrderItemRemoved, { productId, removedQuantity, total });
    }
    case 'ShippingAddressChanged':
      return create(eventSchemas.ShippingAddressChanged, {
        shippingAddress: event.shippingAddress,
      });
    case 'OrderConfirmed':
    case 'OrderDelivered':
      return create(eventSchemas[event.type]) as EventMessage;
  }
}

function toEvent(message: EventMessage): OrderEvent {
  switch (message.$typeName) {
    case 'ordermesh.order.v1.OrderCreated':
      return {
        type: 'OrderCreated',
        customerId: message.customerId,
        items: message.items.map(itemOf),
        shippingAddress: addressOf(message.shippingAddress),
        total: moneyOf(message.total),
        createdAt: timestampMs(stored(message.createdAt)),
        estimatedDeliveryAt: timestampMs(stored(message.estimatedDeliveryAt)),
      };
    case 'ordermesh.order.v1.OrderPaid':
      return { type: 'OrderPaid', paymentId: message.paymentId, amount: moneyOf(message.amount) };
    case 'ordermesh.order.v1.OrderShipped':
      return { type: 'OrderShipped', trackingNumber: message.trackingNumber };
    case 'ordermesh.order.v1.OrderCancelled':
      return { type: 'OrderCancelled', reason: message.reason };
    case 'ordermesh.order.v1.OrderItemAdded':
      return {
        type: 'OrderItemAdded',
        item: itemOf(stored(message.item)),
        addedQuantity: message.addedQuantity,
        total: moneyOf(message.total),
      };
    case 'ordermesh.order.v1.OrderItemRemoved':
      return {
        type: 'OrderItemRemoved',
        productId: message.productId,
        removedQuantity: message.removedQuantity,
        total: moneyOf(message.total),
      };
    case 'ordermesh.order.v1.ShippingAddressChanged':
      return {
        type: 'ShippingAddressChanged',
        shippingAddress: addressOf(message.shippingAddress),
      };
    case 'ordermesh.order.v1.OrderConfirmed':
      return { type: 'OrderConfirmed' };
    case 'ordermesh.order.v1.OrderDelivered':
      return { type: 'OrderDelivered' };
    default:
      return message satisfies never;
  }
}

function stored<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a stored event lacks a field that it always had');
  return value;
}
