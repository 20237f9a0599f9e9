import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('doubles from the first pause up to the last', () => {
  const pauses = [1, 2, 3, 4, 50, 5000].map((n) => backoffMs(n, 100, 500, () => 1));
  expect(pauses).toEqual([100, 200, 400, 500, 500, 500]);
});

test('spreads pauses between half and all of the ceiling', () => {
  expect(backoffMs(2, 100, 500, () => 0)).toBe(100);
  expect(backoffMs(2, 100, 500, () => 0.5)).toBe(150);
});
