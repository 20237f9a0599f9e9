import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import {
  OrderCancelledSchema,
  OrderConfirmedSchema,
  OrderCreatedSchema,
  OrderDeliveredSchema,
  OrderItemAddedSchema,
  OrderItemRemovedSchema,
  OrderPaidSchema,
  OrderShippedSchema,
  ShippingAddressChangedSchema,
} from './gen/ordermesh/order/v1/events_pb.ts';

/** The event catalogue: short name, as the log stores it, to message. */
export const eventSchemas = {
  OrderCreated: OrderCreatedSchema,
  OrderConfirmed: OrderConfirmedSchema,
  OrderPaid: OrderPaidSchema,
  OrderShipped: OrderShippedSchema,
  OrderDelivered: OrderDeliveredSchema,
  OrderCancelled: OrderCancelledSchema,
  OrderItemAdded: OrderItemAddedSchema,
  OrderItemRemoved: OrderItemRemovedSchema,
  ShippingAddressChanged: ShippingAddressChangedSchema,
} as const satisfies Record<string, DescMessage>;

/** Short name of an event. */
export type EventType = keyof typeof eventSchemas;

/** Any event message; `$typeName` tells which. */
export type EventMessage = MessageShape<(typeof eventSchemas)[EventType]>;

/** True for a short name of the catalogue. */
export function isEventType(value: string): value is EventType {
  return Object.hasOwn(eventSchemas, value);
}
