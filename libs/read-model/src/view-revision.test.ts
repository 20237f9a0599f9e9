import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxCustomerRevision, viewRevision } from './view-revision.ts';

test('puts every version above all customer revisions of the one before', () => {
  expect(viewRevision(1, 0)).toBe(1_048_576n);
  expect(viewRevision(3, 2)).toBe(3n * 2n ** 20n + 2n);
  const part = fc.tuple(fc.nat(2 ** 31 - 1), fc.nat(maxCustomerRevision));
  const compare = <T extends bigint | number>(a: T, b: T) => Number(a > b) - Number(a < b);
  fc.assert(
    fc.property(part, part, ([v, c], [w, d]) => {
      expect(compare(viewRevision(v, c), viewRevision(w, d))).toBe(compare(v, w) || compare(c, d));
    }),
  );
});

test('refuses numbers that do not fit', () => {
  for (const [version, customer] of [
    [1, -1],
    [1, maxCustomerRevision + 1],
    [-1, 0],
    [1, Number.NaN],
  ] as const)
    expect(() => viewRevision(version, customer)).toThrow(RangeError);
});
