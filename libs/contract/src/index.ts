// The wire: code generated from proto/, and what every process must agree on beside it.

// Agreements beside the messages.
export { type BusMessage, header, isUnplaced, type LogRow, toMessage } from './bus-message.ts';
export {
  type Consistency,
  decodeConsistencyTokens,
  encodeConsistencyToken,
} from './consistency-token.ts';
export {
  type EventMessage,
  type EventType,
  eventSchemas,
  isEventType,
} from './events.ts';
export { field as fieldRules } from './gen/buf/validate/validate_pb.ts';
export { http as httpRule } from './gen/google/api/annotations_pb.ts';
export type { HttpRule } from './gen/google/api/http_pb.ts';
export {
  type BadRequest,
  type BadRequest_FieldViolation,
  BadRequest_FieldViolationSchema,
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
  type PreconditionFailure,
  type PreconditionFailure_Violation,
  PreconditionFailure_ViolationSchema,
  PreconditionFailureSchema,
  type QuotaFailure,
  type QuotaFailure_Violation,
  QuotaFailure_ViolationSchema,
  QuotaFailureSchema,
  type ResourceInfo,
  ResourceInfoSchema,
  type RetryInfo,
  RetryInfoSchema,
} from './gen/google/rpc/error_details_pb.ts';
export { type Status, StatusSchema } from './gen/google/rpc/status_pb.ts';
export { type Authz, AuthzSchema, authz as authzRule } from './gen/ordermesh/authz_pb.ts';
export {
  type BatchGetCustomersRequest,
  BatchGetCustomersRequestSchema,
  type BatchGetCustomersResponse,
  BatchGetCustomersResponseSchema,
  type Customer,
  type CustomerRecord,
  CustomerRecordSchema,
  CustomerSchema,
  CustomerService,
  type GetCustomerRequest,
  GetCustomerRequestSchema,
  type GetCustomerResponse,
  GetCustomerResponseSchema,
  type RegisterCustomerRequest,
  RegisterCustomerRequestSchema,
  type RegisterCustomerResponse,
  RegisterCustomerResponseSchema,
} from './gen/ordermesh/customer/v1/customer_service_pb.ts';
export { type HttpAnswer, http as httpAnswer } from './gen/ordermesh/http_pb.ts';
// Services, messages and events.
export {
  type AddItemRequest,
  AddItemRequestSchema,
  type AddItemResponse,
  AddItemResponseSchema,
  type CancelOrderRequest,
  CancelOrderRequestSchema,
  type CancelOrderResponse,
  CancelOrderResponseSchema,
  type ChangeShippingAddressRequest,
  ChangeShippingAddressRequestSchema,
  type ChangeShippingAddressResponse,
  ChangeShippingAddressResponseSchema,
  type ConfirmOrderRequest,
  ConfirmOrderRequestSchema,
  type ConfirmOrderResponse,
  ConfirmOrderResponseSchema,
  type CreateOrderRequest,
  CreateOrderRequestSchema,
  type CreateOrderResponse,
  CreateOrderResponseSchema,
  type DeliverOrderRequest,
  DeliverOrderRequestSchema,
  type DeliverOrderResponse,
  DeliverOrderResponseSchema,
  OrderCommandService,
  type PayOrderRequest,
  PayOrderRequestSchema,
  type PayOrderResponse,
  PayOrderResponseSchema,
  type RemoveItemRequest,
  RemoveItemRequestSchema,
  type RemoveItemResponse,
  RemoveItemResponseSchema,
  type ShipOrderRequest,
  ShipOrderRequestSchema,
  type ShipOrderResponse,
  ShipOrderResponseSchema,
} from './gen/ordermesh/order/v1/command_service_pb.ts';
export {
  type OrderCancelled,
  OrderCancelledSchema,
  type OrderConfirmed,
  OrderConfirmedSchema,
  type OrderCreated,
  OrderCreatedSchema,
  type OrderDelivered,
  OrderDeliveredSchema,
  type OrderItemAdded,
  OrderItemAddedSchema,
  type OrderItemRemoved,
  OrderItemRemovedSchema,
  type OrderPaid,
  OrderPaidSchema,
  type OrderShipped,
  OrderShippedSchema,
  type ShippingAddressChanged,
  ShippingAddressChangedSchema,
} from './gen/ordermesh/order/v1/events_pb.ts';
export {
  type ListOrderEventsRequest,
  ListOrderEventsRequestSchema,
  type ListOrderEventsResponse,
  ListOrderEventsResponseSchema,
  type OrderEvent,
  OrderEventSchema,
  OrderHistoryService,
} from './gen/ordermesh/order/v1/history_service_pb.ts';
export {
  type GetLogPointRequest,
  GetLogPointRequestSchema,
  type GetLogPointResponse,
  GetLogPointResponseSchema,
  type LogMessage,
  LogMessageSchema,
  OrderLogService,
  type ReadLogRequest,
  ReadLogRequestSchema,
  type ReadLogResponse,
  ReadLogResponseSchema,
} from './gen/ordermesh/order/v1/log_service_pb.ts';
export {
  Enrichment,
  EnrichmentSchema,
  type Order,
  type OrderItem,
  OrderItemSchema,
  OrderSchema,
  OrderStatus,
  OrderStatusSchema,
  type OrderSummary,
  OrderSummarySchema,
} from './gen/ordermesh/order/v1/order_pb.ts';
export {
  type GetOrderRequest,
  GetOrderRequestSchema,
  type GetOrderResponse,
  GetOrderResponseSchema,
  type ListOrdersRequest,
  ListOrdersRequestSchema,
  type ListOrdersResponse,
  ListOrdersResponseSchema,
  OrderQueryService,
  type SearchOrdersRequest,
  SearchOrdersRequestSchema,
  type SearchOrdersResponse,
  SearchOrdersResponseSchema,
} from './gen/ordermesh/order/v1/query_service_pb.ts';
export {
  type Actor,
  ActorSchema,
  type Address,
  AddressSchema,
  type Money,
  MoneySchema,
} from './gen/ordermesh/type/v1/type_pb.ts';
export {
  contradicts,
  type LastEvent,
  LogDivergedError,
  type LogPoint,
  lastEventOf,
  requireSameLog,
} from './log-point.ts';
export { ownedScope, type PageTokens, pageSize, pageTokens } from './page-token.ts';
export { partitionOf } from './partition.ts';
export type { Principal } from './principal.ts';
export {
  type EventCatalogue,
  orderEvents,
  type ReadEvent,
  readStoredEvent,
  type StoredEventData,
  schemaVersionOf,
  UnreadableEventError,
  type UnreadableReason,
} from './read-stored-event.ts';
export { type FieldFault, ReasonError, type ReasonErrorOptions } from './reason-error.ts';
export {
  Code,
  type CodeName,
  httpStatus,
  isReason,
  type Reason,
  type ReasonRow,
  reasonRow,
  reasons,
} from './reasons.ts';
export { type Upcaster, upcasters } from './upcasters.ts';
