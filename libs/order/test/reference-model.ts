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

const priceProblem = (items: readonly OrderItem[]): string | undefined => {
  const currencies = [...new Set(items.map(({ unitPrice }) => unitPrice.currencyCode))];
  if (currencies.length === 0) return 'ORDER_EMPTY';
  if (currencies.length > 1) return 'CURRENCY_MISMATCH';
  const sum = sumOf(items);
  if (sum <= 0n || BigInt.asIntN(64, sum) !== sum) return 'ORDER_TOTAL_INVALID';
  return sum < BigInt(MODEL_MINIMUMS[String(currencies[0])] ?? 0)
    ? 'ORDER_BELOW_MINIMUM'
    : undefined;
};

/** One order as a person with pen and paper would keep it. */
export interface ModelOrder {
  status: string;
  total: bigint;
  currency: string;
  changes: number;
}

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
  return { ...order, status: outcome.slice(1), changes: order.changes + 1 };
};
