import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { freshForMs } from './read-cache.ts';

it('keeps entries fresh for 80 to 100 % of the time, each order for as long as ever and not all alike', () => {
  const ids = Array.from({ length: 200 }, () => randomUUID());
  const times = ids.map((id) => freshForMs(id, 60_000));
  expect(Math.min(...times)).toBeGreaterThanOrEqual(48_000);
  expect(Math.max(...times)).toBeLessThanOrEqual(60_000);
  expect(ids.map((id) => freshForMs(id, 60_000))).toEqual(times);
  const seconds = new Set(times.map((time) => Math.floor(time / 1_000)));
  expect(seconds.size).toBeGreaterThan(8); // of 12
});
