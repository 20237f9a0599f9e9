import type { AddItem, ChangeShippingAddress, RemoveItem } from './commands.ts';
import { accept, type Decision } from './decision.ts';
import { formatMoney } from './money.ts';
import {
  lineFor,
  linesOf,
  MAX_LINES,
  MAX_QUANTITY,
  withLine,
  withoutProduct,
} from './order-lines.ts';
import { orderTotal } from './order-total.ts';
import type { OrderPolicy } from './policy.ts';
import { type Refused, reject, rejectLimit } from './rejection.ts';
import type { OrderItem, OrderState } from './state.ts';
import type { LaterEventType } from './transitions.ts';

/** What changes a pending order's content. */
export type EditCommand = AddItem | RemoveItem | ChangeShippingAddress;

/** The event that each edit comes to; from which statuses that may happen is in the transitions. */
export const EDIT_EVENTS = {
  AddItem: 'OrderItemAdded',
  RemoveItem: 'OrderItemRemoved',
  ChangeShippingAddress: 'ShippingAddressChanged',
} as const satisfies Record<EditCommand['type'], LaterEventType>;

/** Finds what forbids an item whatever it comes to: its currency, its price, then the limits that an order may be placed with. */
const itemRefusal = (item: OrderItem, { items, total }: OrderState): Refused | undefined => {
  const { currencyCode } = total;
  if (item.unitPrice.currencyCode !== currencyCode) {
    return reject(
      'CURRENCY_MISMATCH',
      `The item is priced in ${item.unitPrice.currencyCode}; it must be in ${currencyCode} like the order.`,
      { expected: currencyCode, actual: item.unitPrice.currencyCode },
    );
  }

  const line = lineFor(items, item);
  if (line !== undefined) {
    const quantity = line.quantity + item.quantity;
    if (quantity <= MAX_QUANTITY) return undefined;
    return rejectLimit(
      { field: 'item.quantity', rule: 'int32.gte_lte' },
      `There would be ${quantity} of this product; there may be at most ${MAX_QUANTITY}.`,
      MAX_QUANTITY,
      quantity,
    );
  }

  const [other] = linesOf(items, item.productId);
  if (other !== undefined) {
    return reject(
      'ITEM_PRICE_CONFLICT',
      `The order has this product at ${formatMoney(other.unitPrice)}; add it at that price instead of ${formatMoney(item.unitPrice)}, or remove it first.`,
      {
        currencyCode,
        expected: String(other.unitPrice.minorUnits),
        actual: String(item.unitPrice.minorUnits),
      },
    );
  }
  if (items.length < MAX_LINES) return undefined;
  return rejectLimit(
    { field: 'item', rule: 'repeated.max_items' },
    `The order would have ${items.length + 1} lines; it may have at most ${MAX_LINES}.`,
    MAX_LINES,
    items.length + 1,
  );
};

const addItem = ({ item }: AddItem, state: OrderState, policy: OrderPolicy): Decision => {
  const refusal = itemRefusal(item, state);
  if (refusal !== undefined) return refusal;

  const before = lineFor(state.items, item);
  // An existing line keeps its name: the one that the product had when it was ordered.
  const line = before ? { ...before, quantity: before.quantity + item.quantity } : item;
  const priced = orderTotal(withLine(state.items, line), policy);
  if (!priced.ok) return priced;
  const { total } = priced;
  return accept({ type: 'OrderItemAdded', item: line, addedQuantity: item.quantity, total });
};

const removeItem = (
  { productId }: RemoveItem,
  state: OrderState,
  policy: OrderPolicy,
): Decision => {
  const lines = linesOf(state.items, productId);
  if (lines.length === 0) {
    return reject('ITEM_NOT_FOUND', 'The order has no such product; see the items that it has.');
  }
  if (lines.length === state.items.length) {
    return reject(
      'ORDER_EMPTY',
      'The order has nothing but this product; it must keep at least one item, or be cancelled.',
    );
  }
  const priced = orderTotal(withoutProduct(state.items, productId), policy);
  if (!priced.ok) return priced;
  const removedQuantity = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const { total } = priced;
  return accept({ type: 'OrderItemRemoved', productId, removedQuantity, total });
};

/**
 * Decides an edit of an order that is pending, which the caller has checked. Checks in this order: currency, price, limits of
 * the line and of the order, total, minimum.
 */
export const decideEdit = (
  command: EditCommand,
  state: OrderState,
  policy: OrderPolicy,
): Decision => {
  switch (command.type) {
    case 'AddItem':
      return addItem(command, state, policy);
    case 'RemoveItem':
      return removeItem(command, state, policy);
    case 'ChangeShippingAddress': {
      // Also for the address that the order has: the state does not hold it, and that it was confirmed is a fact, too.
      const { shippingAddress } = command;
      return accept({ type: 'ShippingAddressChanged', shippingAddress });
    }
    default:
      return command satisfies never;
  }
};
