import type { OrderStatus } from './state.ts';

/** Why a command was refused. Stable: clients branch on it. */
export type RejectionReason =
  | 'ORDER_NOT_FOUND'
  | 'ORDER_ALREADY_EXISTS'
  | 'ORDER_EMPTY'
  | 'ORDER_TOTAL_INVALID'
  | 'ORDER_BELOW_MINIMUM'
  | 'CURRENCY_MISMATCH'
  | 'PAYMENT_AMOUNT_MISMATCH'
  | 'ORDER_NOT_PENDING'
  | 'ORDER_NOT_PAID'
  | 'ORDER_NOT_SHIPPED'
  | 'ORDER_NOT_CANCELLABLE'
  | 'ORDER_ALREADY_CANCELLED'
  | 'ITEM_PRICE_CONFLICT'
  | 'ITEM_NOT_FOUND'
  | 'INVALID_REQUEST';

/** A refused command: a normal outcome, not an error. It tells nothing beyond the statuses, currencies and amounts at issue. */
export interface Rejection {
  readonly reason: RejectionReason;
  /** One English sentence for people: what is, and what would have to be. */
  readonly message: string;
  /**
   * The same for programs. By reason: statuses `currentStatus`, `allowed` (comma-separated); currencies `expected`,
   * `actual` and on create `itemIndex` (from 0); amounts in minor units `currencyCode`, `actual` and `expected`, or
   * `minimum`, `maximum`; limits `maximum`, `actual`. Empty where the reason says all.
   */
  readonly details: Readonly<Record<string, string>>;
  /** For INVALID_REQUEST alone: what of the command is too much, together with what the order has already. */
  readonly fault?: {
    /** Path in the command's proto names: `item.quantity`. */
    readonly field: string;
    /** Name of the same limit where an order is placed, as protovalidate has it. */
    readonly rule: string;
  };
}

/** The negative outcome of a check or decision. */
export type Refused = { readonly ok: false; readonly rejection: Rejection };

/** Refuses a command. */
export const reject = (
  reason: RejectionReason,
  message: string,
  details: Readonly<Record<string, string>> = {},
): Refused => ({ ok: false, rejection: { reason, message, details } });

/** Refuses a command that would bring the order beyond what one may be placed with. */
export const rejectLimit = (
  fault: NonNullable<Rejection['fault']>,
  message: string,
  maximum: number,
  actual: number,
): Refused => {
  const details = { maximum: String(maximum), actual: String(actual) };
  return { ok: false, rejection: { reason: 'INVALID_REQUEST', message, details, fault } };
};

/** Refuses a command because of the order's status. */
export const rejectStatus = (
  reason: RejectionReason,
  currentStatus: OrderStatus,
  allowed: readonly OrderStatus[],
): Refused =>
  reject(reason, `The order is ${currentStatus}; it must be ${allowed.join(' or ')}.`, {
    currentStatus,
    allowed: allowed.join(','),
  });
