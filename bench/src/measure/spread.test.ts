import { expect, test } from 'vitest';
import { spreadOf } from './spread.ts';

test('takes the middle sample, or the mean of the two middle ones', () => {
  expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
  expect(spreadOf([9, 1, 5, 3])).toEqual({ median: 4, min: 1, max: 9 });
});

test('has no figure without a sample', () => {
  expect(() => spreadOf([])).toThrow('no samples');
});
