export type {
  AddItem,
  CancelOrder,
  ChangeShippingAddress,
  ConfirmOrder,
  CreateOrder,
  DeliverOrder,
  OrderCommand,
  PayOrder,
  RemoveItem,
  ShipOrder,
} from './commands.ts';
export { CorruptStreamError, type CorruptStreamReason } from './corrupt-stream-error.ts';
export { decide } from './decide.ts';
export type { Decision } from './decision.ts';
export type {
  OrderCancelled,
  OrderConfirmed,
  OrderCreated,
  OrderDelivered,
  OrderEvent,
  OrderItemAdded,
  OrderItemRemoved,
  OrderPaid,
  OrderShipped,
  ShippingAddressChanged,
} from './events.ts';
export { evolve, fold } from './evolve.ts';
export { exponentOf, formatMoney, MAX_MINOR_UNITS, type Money } from './money.ts';
export { type OrderDecider, orderDecider } from './order-decider.ts';
export { minimumFor, type OrderPolicy, parseMinimums } from './policy.ts';
export type { Rejection, RejectionReason } from './rejection.ts';
export type { Address, EpochMs, OrderItem, OrderState, OrderStatus } from './state.ts';
