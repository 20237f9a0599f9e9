import { expect, test } from 'vitest';
import { reachedVersions } from './reached-versions.ts';

test('knows that a stream had each version up to the one it reached, and nothing of others', () => {
  const reached = reachedVersions();
  reached.add('a', 3);
  expect([1, 3, 4].map((version) => reached.has('a', version))).toEqual([true, true, false]);
  expect(reached.has('b', 1)).toBe(false);
});

test('keeps the streams that were added last, and forgets the others', () => {
  const reached = reachedVersions(10);
  for (let n = 0; n < 100; n++) reached.add(`${n}`, 1);
  const known = Array.from({ length: 100 }, (_, n) => n).filter((n) => reached.has(`${n}`, 1));
  expect(known.slice(-10)).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  expect(known.length).toBeLessThanOrEqual(20);
});
