import { expect, test } from 'vitest';
import { figure, markdown, round, type Table } from './table.ts';

const table: Table = {
  title: 'Warm',
  unit: 'appends/s',
  head: 'callers',
  columns: ['1', '64'],
  rows: [{ name: 'ours', cells: [{ median: 1234.5, min: 0.123, max: 99_999 }, null] }],
};

test('prints the median and the range of each figure, and a dash where there is none', () => {
  expect(markdown(table)).toBe(`Warm, appends/s

| callers | 1 | 64 |
|---|---|---|
| ours | 1,230 (0.12–100,000) | – |`);
});

test('rounds to three digits that count', () => {
  expect([0, 0.0456, 1.005, 19.96, 57_345].map(round)).toEqual(['0', '0.05', '1', '20', '57,300']);
});

test('finds a figure by its names, and refuses one that was not taken', () => {
  expect(figure(table, 'ours', '1').median).toBe(1234.5);
  expect(() => figure(table, 'ours', '64')).toThrow('no figure of ours in 64');
});
