import type { CreateOrder, OrderCommand, PayOrder } from './commands.ts';
import { decideEdit, EDIT_EVENTS } from './decide-edit.ts';
import { accept, type Decision } from './decision.ts';
import { formatMoney } from './money.ts';
import { orderTotal } from './order-total.ts';
import type { OrderPolicy } from './policy.ts';
import { type Refused, type RejectionReason, reject, rejectStatus } from './rejection.ts';
import type { OrderState } from './state.ts';
import { type LaterEventType, TRANSITIONS } from './transitions.ts';

const MS_PER_DAY = 86_400_000;

/** Finds the refusal that the order's status demands before `eventType` may happen, if it does. */
const statusRefusal = (
  eventType: LaterEventType,
  { status }: OrderState,
  reason: RejectionReason,
): Refused | undefined => {
  const { from } = TRANSITIONS[eventType];
  return from.includes(status) ? undefined : rejectStatus(reason, status, from);
};

const createOrder = (
  { customerId, items, shippingAddress, now }: CreateOrder,
  state: OrderState | undefined,
  policy: OrderPolicy,
): Decision => {
  if (state !== undefined) {
    // Nothing about that order: it may be another customer's.
    return reject('ORDER_ALREADY_EXISTS', 'An order with this id exists; the id must be unused.');
  }
  const priced = orderTotal(items, policy);
  if (!priced.ok) return priced;
  return accept({
    type: 'OrderCreated',
    customerId,
    items,
    shippingAddress,
    total: priced.total,
    createdAt: now,
    estimatedDeliveryAt: now + policy.estimatedDeliveryDays * MS_PER_DAY,
  });
};

const payOrder = ({ paymentId, amount }: PayOrder, state: OrderState): Decision => {
  const refusal = statusRefusal('OrderPaid', state, 'ORDER_NOT_PENDING');
  if (refusal !== undefined) return refusal;

  const { total } = state;
  if (amount.currencyCode !== total.currencyCode) {
    return reject(
      'CURRENCY_MISMATCH',
      `The payment is in ${amount.currencyCode}; it must be in ${total.currencyCode}.`,
      { expected: total.currencyCode, actual: amount.currencyCode },
    );
  }
  if (amount.minorUnits !== total.minorUnits) {
    return reject(
      'PAYMENT_AMOUNT_MISMATCH',
      `The payment is ${formatMoney(amount)}; it must be the total, ${formatMoney(total)}.`,
      {
        currencyCode: total.currencyCode,
        expected: String(total.minorUnits),
        actual: String(amount.minorUnits),
      },
    );
  }
  return accept({ type: 'OrderPaid', paymentId, amount });
};

/**
 * Decides what a command does to an order, without doing it. Pure: the same arguments give the same decision, and none of
 * them is changed. Checks in this order: existence, status, currency, amount (an expected version is the event store's to
 * compare, between existence and status).
 *
 * @param state the folded order; undefined when its stream is empty
 */
export const decide = (
  command: OrderCommand,
  state: OrderState | undefined,
  policy: OrderPolicy,
): Decision => {
  if (command.type === 'CreateOrder') return createOrder(command, state, policy);
  if (state === undefined) {
    return reject('ORDER_NOT_FOUND', 'There is no order with this id; it must be created first.');
  }
  switch (command.type) {
    case 'ConfirmOrder':
      return (
        statusRefusal('OrderConfirmed', state, 'ORDER_NOT_PENDING') ??
        accept({ type: 'OrderConfirmed' })
      );
    case 'PayOrder':
      return payOrder(command, state);
    case 'ShipOrder':
      return (
        statusRefusal('OrderShipped', state, 'ORDER_NOT_PAID') ??
        accept({ type: 'OrderShipped', trackingNumber: command.trackingNumber })
      );
    case 'DeliverOrder':
      return (
        statusRefusal('OrderDelivered', state, 'ORDER_NOT_SHIPPED') ??
        accept({ type: 'OrderDelivered' })
      );
    case 'CancelOrder':
      return (
        statusRefusal(
          'OrderCancelled',
          state,
          state.status === 'CANCELLED' ? 'ORDER_ALREADY_CANCELLED' : 'ORDER_NOT_CANCELLABLE',
        ) ?? accept({ type: 'OrderCancelled', reason: command.reason })
      );
    case 'AddItem':
    case 'RemoveItem':
    case 'ChangeShippingAddress':
      return (
        statusRefusal(EDIT_EVENTS[command.type], state, 'ORDER_NOT_PENDING') ??
        decideEdit(command, state, policy)
      );
    default:
      return command satisfies never;
  }
};
