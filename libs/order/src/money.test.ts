import { describe, expect, it } from 'vitest';
import { exponentOf, formatMoney } from './money.ts';

describe('exponentOf()', () => {
  it.each([
    ['USD', 2],
    ['EUR', 2],
    ['MGA', 2],
    ['MRU', 2],
    ['JPY', 0],
    ['ISK', 0],
    ['XPF', 0],
    ['KWD', 3],
    ['TND', 3],
  ])('%s has %i digits', (code, digits) => expect(exponentOf(code)).toBe(digits));

  it('takes 2 for a code it does not know, also one that objects inherit', () => {
    expect(exponentOf('QQQ')).toBe(2);
    expect(exponentOf('toString')).toBe(2);
  });
});

describe('formatMoney()', () => {
  it.each([
    ['USD', 0n, '0.00 USD'],
    ['USD', 5n, '0.05 USD'],
    ['USD', 123_456n, '1234.56 USD'],
    ['USD', -5n, '-0.05 USD'],
    ['USD', 2n ** 63n - 1n, '92233720368547758.07 USD'],
    ['JPY', 0n, '0 JPY'],
    ['JPY', 10n, '10 JPY'],
    ['KWD', 5n, '0.005 KWD'],
    ['KWD', 10_000n, '10.000 KWD'],
  ])('writes %s %d as %s', (currencyCode, minorUnits, text) =>
    expect(formatMoney({ currencyCode, minorUnits })).toBe(text),
  );
});
