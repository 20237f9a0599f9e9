import { describe, expect, it } from 'vitest';
import { minimumFor, parseMinimums } from './policy.ts';

describe('minimumFor()', () => {
  const none = { minimums: new Map<string, bigint>() };

  it.each([
    ['USD', 1000n],
    ['JPY', 10n],
    ['KWD', 10_000n],
  ])('is 10 major units of %s, %d minor units', (code, minimum) =>
    expect(minimumFor(code, none)).toBe(minimum),
  );

  it("is the policy's where it names the currency, also when that is 0", () => {
    const minimums = parseMinimums('USD:1,EUR:0');
    expect(minimumFor('USD', { minimums })).toBe(1n);
    expect(minimumFor('EUR', { minimums })).toBe(0n);
    expect(minimumFor('GBP', { minimums })).toBe(1000n);
  });
});

describe('parseMinimums()', () => {
  it('reads currency codes with minor units', () => {
    expect(parseMinimums('USD:1000,JPY:5')).toEqual(
      new Map([
        ['USD', 1000n],
        ['JPY', 5n],
      ]),
    );
  });

  it.each(['', '  '])('reads blank text %j as no minimum', (text) =>
    expect(parseMinimums(text).size).toBe(0),
  );

  it('ignores blanks around an entry', () => expect(parseMinimums(' USD:1 , JPY:2 ').size).toBe(2));

  it('takes the largest amount that can be stored', () =>
    expect(parseMinimums('USD:9223372036854775807').get('USD')).toBe(2n ** 63n - 1n));

  it.each([
    ['USD', '"USD" is not like USD:1000'],
    ['usd:5', '"usd:5" is not like USD:1000'],
    ['USD:-5', '"USD:-5" is not like USD:1000'],
    ['USD:10.00', '"USD:10.00" is not like USD:1000'],
    ['USD: 5', '"USD: 5" is not like USD:1000'],
    ['USD:0x10', '"USD:0x10" is not like USD:1000'],
    ['USD:5,', '"" is not like USD:1000'],
    ['USD:5;JPY:5', '"USD:5;JPY:5" is not like USD:1000'],
    ['USD:9223372036854775808', '"USD:9223372036854775808" exceeds 9223372036854775807'],
    ['USD:5,USD:6', '"USD:6" repeats USD'],
  ])('refuses %j and says why', (text, fault) =>
    expect(() => parseMinimums(text)).toThrow(new SyntaxError(`malformed minimums: ${fault}`)),
  );

  it('names all faults at once', () =>
    expect(() => parseMinimums('USD:5,x,EUR:y')).toThrow(
      'malformed minimums: "x" is not like USD:1000; "EUR:y" is not like USD:1000',
    ));
});
