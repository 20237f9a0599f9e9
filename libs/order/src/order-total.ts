import { formatMoney, MAX_MINOR_UNITS, type Money } from './money.ts';
import { minimumFor, type OrderPolicy } from './policy.ts';
import { type Refused, reject } from './rejection.ts';
import type { OrderItem } from './state.ts';

/**
 * Adds up what an order's items cost and checks that an order may consist of them, in this order: some item
 * (ORDER_EMPTY), one currency (CURRENCY_MISMATCH), a total of 1 to 2^63 - 1 minor units (ORDER_TOTAL_INVALID), the
 * currency's minimum (ORDER_BELOW_MINIMUM).
 */
export const orderTotal = (
  items: readonly OrderItem[],
  policy: OrderPolicy,
): { readonly ok: true; readonly total: Money } | Refused => {
  const first = items[0];
  if (first === undefined) {
    return reject('ORDER_EMPTY', 'The order has no items; it must have at least one.');
  }

  const { currencyCode } = first.unitPrice;
  for (const [index, { unitPrice }] of items.entries()) {
    if (unitPrice.currencyCode !== currencyCode) {
      return reject(
        'CURRENCY_MISMATCH',
        `items[${index}] is priced in ${unitPrice.currencyCode}; it must be ${currencyCode} like items[0].`,
        { expected: currencyCode, actual: unitPrice.currencyCode, itemIndex: String(index) },
      );
    }
  }

  // bigint has no width, so the sum is exact and one look at its end finds any overflow: prices are not negative.
  const minorUnits = items.reduce(
    (sum, { quantity, unitPrice }) => sum + BigInt(quantity) * unitPrice.minorUnits,
    0n,
  );
  const total: Money = { currencyCode, minorUnits };
  if (minorUnits < 1n || minorUnits > MAX_MINOR_UNITS) {
    const largest = formatMoney({ currencyCode, minorUnits: MAX_MINOR_UNITS });
    return reject(
      'ORDER_TOTAL_INVALID',
      `The total would be ${formatMoney(total)}; it must be more than zero and at most ${largest}.`,
      {
        currencyCode,
        actual: String(minorUnits),
        minimum: '1',
        maximum: String(MAX_MINOR_UNITS),
      },
    );
  }

  const minimum = minimumFor(currencyCode, policy);
  if (minorUnits < minimum) {
    return reject(
      'ORDER_BELOW_MINIMUM',
      `The total would be ${formatMoney(total)}; it must be at least ${formatMoney({ currencyCode, minorUnits: minimum })}.`,
      { currencyCode, actual: String(minorUnits), minimum: String(minimum) },
    );
  }
  return { ok: true, total };
};
