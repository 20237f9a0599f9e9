import { expect, test } from 'vitest';
import { interleaved } from './rounds.ts';

test('takes every contestant once per round, each first in turn', async () => {
  const taken: string[] = [];
  const samples = await interleaved(3, ['a', 'b', 'c'], async (name, round) => {
    taken.push(name);
    return `${name}${round}`;
  });
  expect(taken.join('')).toBe('abcbcacab');
  expect(samples).toEqual([
    ['a0', 'a1', 'a2'],
    ['b0', 'b1', 'b2'],
    ['c0', 'c1', 'c2'],
  ]);
});
