/** An exact amount of one currency. Same shape as the wire's `ordermesh.type.v1.Money`. */
export interface Money {
  /** ISO 4217, upper case, e.g. `USD`. */
  readonly currencyCode: string;
  /** In the currency's ISO 4217 minor unit: cents for USD, whole yen for JPY, fils (1/1000) for KWD. */
  readonly minorUnits: bigint;
}

/** The largest amount that the wire and the event log can hold: a signed 64-bit integer. */
export const MAX_MINOR_UNITS = 2n ** 63n - 1n;

/** ISO 4217 (list one): the active currencies whose minor unit is not a hundredth. */
const UNUSUAL_EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'
    .split(' ')
    .map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
]);

/**
 * How many decimal digits the currency's minor unit stands for: 2 for USD, 0 for JPY, 3 for KWD.
 * Any code without an exception counts as 2: which codes exist is checked at the service's edge.
 */
export const exponentOf = (currencyCode: string): number =>
  UNUSUAL_EXPONENTS.get(currencyCode) ?? 2;

/** For people, in major units: `10.00 USD`, `10 JPY`, `-0.005 KWD`. */
export const formatMoney = ({ currencyCode, minorUnits }: Money): string => {
  const exponent = exponentOf(currencyCode);
  const sign = minorUnits < 0n ? '-' : '';
  const digits = (minorUnits < 0n ? -minorUnits : minorUnits)
    .toString()
    .padStart(exponent + 1, '0');
  const point = digits.length - exponent;
  const fraction = exponent === 0 ? '' : `.${digits.slice(point)}`;
  return `${sign}${digits.slice(0, point)}${fraction} ${currencyCode}`;
};
