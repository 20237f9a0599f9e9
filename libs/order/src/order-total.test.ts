import { describe, expect, it } from 'vitest';
import { item, policy, usd } from '../test/samples.ts';
import { MAX_MINOR_UNITS } from './money.ts';
import { orderTotal } from './order-total.ts';

const rejectionOf = (...args: Parameters<typeof orderTotal>) => {
  const priced = orderTotal(...args);
  return priced.ok ? undefined : priced.rejection;
};

const of = (currencyCode: string, minorUnits: bigint, quantity = 1) =>
  item({ currencyCode, minorUnits }, quantity);

describe('orderTotal()', () => {
  it('adds up quantity times unit price over all items, free ones included', () => {
    const items = [item(usd(999n), 3), item(usd(0n), 10_000), item(usd(1n), 7)];
    expect(orderTotal(items, policy)).toEqual({ ok: true, total: usd(3004n) });
  });

  it('refuses no items', () => {
    expect(rejectionOf([], policy)).toMatchObject({ reason: 'ORDER_EMPTY', details: {} });
  });

  it('names the first item in another currency than the first one', () => {
    const items = [item(usd(5000n)), item(usd(1n)), of('EUR', 1n), of('JPY', 1n)];
    expect(rejectionOf(items, policy)).toEqual({
      reason: 'CURRENCY_MISMATCH',
      message: 'items[2] is priced in EUR; it must be USD like items[0].',
      details: { expected: 'USD', actual: 'EUR', itemIndex: '2' },
    });
  });

  it('refuses a total of zero as invalid, also where the minimum is zero', () => {
    const free = { ...policy, minimums: new Map([['USD', 0n]]) };
    const rejection = {
      reason: 'ORDER_TOTAL_INVALID',
      message: expect.stringContaining('The total would be 0.00 USD; it must be more than zero'),
      details: { currencyCode: 'USD', actual: '0', minimum: '1', maximum: '9223372036854775807' },
    };
    expect(rejectionOf([item(usd(0n), 5)], policy)).toEqual(rejection);
    expect(rejectionOf([item(usd(0n), 5)], free)).toEqual(rejection);
    expect(orderTotal([item(usd(1n))], free)).toEqual({ ok: true, total: usd(1n) });
  });

  it('refuses a negative total as invalid', () => {
    expect(rejectionOf([item(usd(-1n), 5000)], policy)?.reason).toBe('ORDER_TOTAL_INVALID');
  });

  it('takes a total of exactly 2^63 - 1 minor units', () => {
    const items = [item(usd(MAX_MINOR_UNITS - 1n)), item(usd(1n))];
    expect(orderTotal(items, policy)).toEqual({ ok: true, total: usd(2n ** 63n - 1n) });
  });

  it('refuses a sum of 2^63', () => {
    const items = [item(usd(MAX_MINOR_UNITS)), item(usd(1n))];
    expect(rejectionOf(items, policy)).toMatchObject({
      reason: 'ORDER_TOTAL_INVALID',
      details: { actual: '9223372036854775808', maximum: '9223372036854775807' },
    });
  });

  it('refuses a quantity times price that would wrap around to a small positive amount', () => {
    const wrapping = item(usd(2n ** 62n + 500n), 4); // 2^64 + 2000: 20.00 USD in 64 bits
    expect(BigInt.asIntN(64, 4n * wrapping.unitPrice.minorUnits)).toBe(2000n);
    expect(rejectionOf([wrapping], policy)?.reason).toBe('ORDER_TOTAL_INVALID');
  });

  it('refuses a sum of 100 items at the largest quantity and price', () => {
    const items = Array.from({ length: 100 }, () => item(usd(MAX_MINOR_UNITS), 10_000));
    expect(rejectionOf(items, policy)?.reason).toBe('ORDER_TOTAL_INVALID');
  });

  it('stays exact above 2^53, where floating point is not', () => {
    const items = [item(usd(2n ** 53n)), item(usd(1n))];
    expect(orderTotal(items, policy)).toEqual({ ok: true, total: usd(2n ** 53n + 1n) });
  });

  it.each([
    ['USD', 1000n],
    ['JPY', 10n],
    ['KWD', 10_000n],
  ])('takes %s at exactly its minimum and refuses one minor unit less', (currencyCode, minimum) => {
    expect(orderTotal([of(currencyCode, minimum)], policy).ok).toBe(true);
    expect(rejectionOf([of(currencyCode, minimum - 1n)], policy)).toMatchObject({
      reason: 'ORDER_BELOW_MINIMUM',
      details: { currencyCode, actual: String(minimum - 1n), minimum: String(minimum) },
    });
  });

  it('counts the minimum over the sum, not per item', () => {
    expect(orderTotal([item(usd(1n), 999), item(usd(1n))], policy).ok).toBe(true);
  });

  it('says in major units what the total is and what it must be', () => {
    const messageFor = (currencyCode: string) =>
      rejectionOf([of(currencyCode, 9n)], policy)?.message;
    expect(messageFor('USD')).toBe('The total would be 0.09 USD; it must be at least 10.00 USD.');
    expect(messageFor('JPY')).toBe('The total would be 9 JPY; it must be at least 10 JPY.');
    expect(messageFor('KWD')).toBe('The total would be 0.009 KWD; it must be at least 10.000 KWD.');
  });

  it("holds a currency to the policy's minimum and leaves the others at theirs", () => {
    const dear = { ...policy, minimums: new Map([['JPY', 5000n]]) };
    expect(rejectionOf([of('JPY', 4999n)], dear)?.reason).toBe('ORDER_BELOW_MINIMUM');
    expect(orderTotal([of('JPY', 5000n)], dear).ok).toBe(true);
    expect(orderTotal([of('USD', 1000n)], dear).ok).toBe(true);
  });
});
