import { expect, test } from 'vitest';
import { decodeMoves, encodeMoves } from './notify-channel.ts';

test('carries the checkpoints of one projection', () => {
  const moves: [number, bigint][] = [
    [3, 1234n],
    [11, 2n ** 60n],
  ];
  const payload = encodeMoves('orders-pg@000001', moves);
  expect(payload).toBe('orders-pg@000001 3:1234 11:1152921504606846976');
  expect(decodeMoves('orders-pg@000001', payload)).toEqual(moves);
});

test("ignores another generation's moves and what is no move", () => {
  expect(decodeMoves('orders-pg@000002', 'orders-pg@000001 3:4')).toEqual([]);
  expect(decodeMoves('a', 'a x 3: :4 3:-4 5:6')).toEqual([[5, 6n]]);
  expect(decodeMoves('a', '')).toEqual([]);
});
