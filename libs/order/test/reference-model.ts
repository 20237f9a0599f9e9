import type { OrderCommand, OrderItem } from '../src/index.ts';

type Step = Exclude<OrderCommand['type'], 'CreateOrder'>;

/**
 * The domain's diagram as rows: for each command the outcome in each status, `>` before the status it leads to. Written
 * the other way round than the code (by what the caller sees, not by event), and sharing nothing with it.
 */
const outcomes: Record<Step, string> = {
  ConfirmOrder: `PENDING >CONFIRMED   CONFIRMED ORDER_NOT_PENDING  PAID ORDER_NOT_PENDING
                 SHIPPED ORDER_NOT_PENDING  DELIVERED ORDER_NOT_PENDING  CANCELLED ORDER_NOT_PENDING`,
  PayOrder: `PENDING >PAID        CONFIRMED >PAID              PAID ORDER_NOT_PENDING
                 SHIPPED ORDER_NOT_PENDING  DELIVERED ORDER_NOT_PENDING  CANCELLED ORDER_NOT_PENDING`,
  ShipOrder: `PENDING ORDER_NOT_PAID  CONFIRMED ORDER_NOT_PAID  PAID >SHIPPED
                 SHIPPED ORDER_NOT_PAID  DELIVERED ORDER_NOT_PAID  CANCELLED ORDER_NOT_PAID`,
  DeliverOrder: `PENDING ORDER_NOT_SHIPPED  CONFIRMED ORDER_NOT_SHIPPED  PAID ORDER_NOT_SHIPPED
                 SHIPPED >DELIVERED  DELIVERED ORDER_NOT_SHIPPED  CANCELLED ORDER_NOT_SHIPPED`,
  CancelOrder: `PENDING >CANCELLED  CONFIRMED >CANCELLED  PAID >CANCELLED  SHIPPED >CANCELLED
                 DELIVERED ORDER_NOT_CANCELLABLE  CANCELLED ORDER_ALREADY_CANCELLED`,
  AddItem: `PENDING >PENDING    CONFIRMED ORDER_NOT_PENDING  PAID ORDER_NOT_PENDING
                 SHIPPED ORDER_NOT_PENDING  DELIVERED ORDER_NOT_PENDING  CANCELLED ORDER_NOT_PENDING`,
  RemoveItem: `PENDING >PENDING    CONFIRMED ORDER_NOT_PENDING  PAID ORDER_NOT_PENDING
                 SHIPPED ORDER_NOT_PENDING  DELIVERED ORDER_NOT_PENDING  CANCELLED ORDER_NOT_PENDING`,
  ChangeShippingAddress: `PENDING >PENDING  CONFIRMED ORDER_NOT_PENDING  PAID ORDER_NOT_PENDING
                 SHIPPED ORDER_NOT_PENDING  DELIVERED ORDER_NOT_PENDING  CANCELLED ORDER_NOT_PENDING`,
};

const outcomeOf = (step: Step, status: string): string => {
  const words = outcomes[step].split(/\s+/);
  return words[words.indexOf(status) + 1] ?? 'missing in the model';
};

/** What the policy under test means, in minor units: written down, not computed. */
export const MODEL_MINIMUMS: Readonly<Record<string, number>> = { USD: 1000, JPY: 5, KWD: 10_000 };

const sumOf = (items: readonly OrderItem[]): bigint => {
  let sum = 0n;
  for (const { quantity, unitPrice } of items) {
    for (let n = 0; n < quantity; n += 1) sum += unitPrice.minorUnits;
  }
  return sum;
};

const sumProblem = (sum: bigint, currency: string): string | undefined => {
  if (sum <= 0n || BigInt.asIntN(64, sum) !== sum) return 'ORDER_TOTAL_INVALID';
  return sum < BigInt(MODEL_MINIMUMS[currency] ?? 0) ? 'ORDER_BELOW_MINIMUM' : undefined;
};

const priceProblem = (items: readonly OrderItem[]): string | undefined => {
  const currencies = [...new Set(items.map(({ unitPrice }) => unitPrice.currencyCode))];
  if (currencies.length === 0) return 'ORDER_EMPTY';
  if (currencies.length > 1) return 'CURRENCY_MISMATCH';
  return sumProblem(sumOf(items), String(currencies[0]));
};

/** One line on the paper. */
export interface ModelLine {
  product: string;
  price: bigint;
  count: number;
}

/** One order as a person with pen and paper would keep it. */
export interface ModelOrder {
  status: string;
  total: bigint;
  currency: string;
  changes: number;
  lines: readonly ModelLine[];
}

const written = ({ productId, unitPrice, quantity }: OrderItem): ModelLine => ({
  product: productId,
  price: unitPrice.minorUnits,
  count: quantity,
});

/** Writes one more item down: the total goes up by what it costs. */
const added = (order: ModelOrder, item: OrderItem): ModelOrder | string => {
  if (item.unitPrice.currencyCode !== order.currency) return 'CURRENCY_MISMATCH';
  const { product, price, count } = written(item);
  const lines = order.lines.map((line) => ({ ...line }));
  const sameProduct = lines.filter((line) => line.product === product);
  const line = sameProduct.find((one) => one.price === price);
  if (sameProduct.length > 0 && !line) return 'ITEM_PRICE_CONFLICT';
  if (line) line.count += count;
  else lines.push({ product, price, count });
  if (lines.some((one) => one.count > 10_000)) return 'INVALID_REQUEST item.quantity';
  if (lines.length > 100) return 'INVALID_REQUEST item';
  const total = order.total + sumOf([item]);
  return sumProblem(total, order.currency) ?? { ...order, lines, total };
};

/** Strikes every line of a product out: the total goes down by what they cost. */
const struck = (order: ModelOrder, product: string): ModelOrder | string => {
  const lines: ModelLine[] = [];
  let { total } = order;
  for (const line of order.lines) {
    if (line.product === product) total -= line.price * BigInt(line.count);
    else lines.push(line);
  }
  if (lines.length === order.lines.length) return 'ITEM_NOT_FOUND';
  if (lines.length === 0) return 'ORDER_EMPTY';
  return sumProblem(total, order.currency) ?? { ...order, lines, total };
};

/** Carries a command out on the model: the model's next order, or the reason why not. */
export const modelStep = (
  order: ModelOrder | undefined,
  command: OrderCommand,
): ModelOrder | string => {
  if (command.type === 'CreateOrder') {
    if (order) return 'ORDER_ALREADY_EXISTS';
    return (
      priceProblem(command.items) ?? {
        status: 'PENDING',
        total: sumOf(command.items),
        currency: String(command.items[0]?.unitPrice.currencyCode),
        changes: 1,
        lines: command.items.map(written),
      }
    );
  }
  if (!order) return 'ORDER_NOT_FOUND';
  const outcome = outcomeOf(command.type, order.status);
  if (!outcome.startsWith('>')) return outcome;
  if (command.type === 'PayOrder') {
    if (command.amount.currencyCode !== order.currency) return 'CURRENCY_MISMATCH';
    if (command.amount.minorUnits !== order.total) return 'PAYMENT_AMOUNT_MISMATCH';
  }
  let next: ModelOrder | string = order;
  if (command.type === 'AddItem') next = added(order, command.item);
  if (command.type === 'RemoveItem') next = struck(order, command.productId);
  if (typeof next === 'string') return next;
  return { ...next, status: outcome.slice(1), changes: order.changes + 1 };
};
