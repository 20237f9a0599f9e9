import { exponentOf, MAX_MINOR_UNITS } from './money.ts';

/** What an operator may set about orders. It bears on new decisions only, never on what a stored event means. */
export interface OrderPolicy {
  /** Smallest total of an order per currency code, in minor units; other currencies: 10 major units. */
  readonly minimums: ReadonlyMap<string, bigint>;
  /** Whole days from creation to the promised delivery, 0 or more. */
  readonly estimatedDeliveryDays: number;
}

const DEFAULT_MINIMUM_MAJOR_UNITS = 10n;

/** The smallest total that an order in this currency may have, in minor units: the policy's, else 10 major units. */
export const minimumFor = (currencyCode: string, policy: Pick<OrderPolicy, 'minimums'>): bigint =>
  policy.minimums.get(currencyCode) ??
  DEFAULT_MINIMUM_MAJOR_UNITS * 10n ** BigInt(exponentOf(currencyCode));

/**
 * Reads minimums from text such as `USD:1000,JPY:5`: currency code, colon, minor units (0 or more, 0 = any total above
 * zero). Blank text means none; blanks around an entry do not count. Whether a code is a real currency is not checked.
 *
 * @throws {SyntaxError} naming every malformed or repeated entry at once; it does not name the setting the text came from.
 */
export const parseMinimums = (text: string): ReadonlyMap<string, bigint> => {
  const minimums = new Map<string, bigint>();
  if (text.trim() === '') return minimums;

  const faults: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [, code, digits] = /^([A-Z]{3}):(\d+)$/.exec(entry) ?? [];
    if (code === undefined || digits === undefined) {
      faults.push(`"${entry}" is not like USD:1000`);
    } else if (BigInt(digits) > MAX_MINOR_UNITS) {
      faults.push(`"${entry}" exceeds ${MAX_MINOR_UNITS}`);
    } else if (minimums.has(code)) {
      faults.push(`"${entry}" repeats ${code}`);
    } else {
      minimums.set(code, BigInt(digits));
    }
  }
  if (faults.length > 0) {
    throw new SyntaxError(`malformed minimums: ${faults.join('; ')}`);
  }
  return minimums;
};
