import { expect, test } from 'vitest';
import { estimateBytes } from './estimate-bytes.ts';
import { stateCache } from './state-cache.ts';

const known = (state: string, version = 1) => ({ state, version, snapshotVersion: 0 });
/** One entry of a state of so many characters. */
const bytesOf = (length: number) => 256 + 16 + 2 * length;

test('holds as many states as fit, by bytes, and drops the one that was not used for longest', () => {
  const cache = stateCache<string>(3 * bytesOf(100));
  for (const key of ['a', 'b', 'c']) cache.put(key, known('x'.repeat(100)));
  cache.get('a');
  cache.put('d', known('x'.repeat(100)));
  expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key) !== undefined)).toEqual([
    true,
    false,
    true,
    true,
  ]);
  cache.put('e', known('x'.repeat(500)));
  expect(['a', 'c', 'd', 'e'].filter((key) => cache.get(key))).toEqual(['e']);
});

test('counts a state that grew in its place', () => {
  const cache = stateCache<string>(2 * bytesOf(100));
  cache.put('a', known('x'.repeat(100)));
  cache.put('b', known('x'.repeat(100)));
  cache.put('b', known('x'.repeat(101), 2));
  expect(cache.get('a')).toBeUndefined();
  expect(cache.get('b')?.version).toBe(2);
});

test('does not keep a state that alone is too large, nor the older one that it replaces', () => {
  const cache = stateCache<string>(bytesOf(100));
  cache.put('a', known('x'.repeat(100)));
  cache.put('a', known('x'.repeat(101), 2));
  expect(cache.get('a')).toBeUndefined();
});

test('keeps the newer of two states, whichever comes last', () => {
  const cache = stateCache<string>(10_000);
  cache.put('a', known('new', 2));
  cache.put('a', known('old', 1));
  expect(cache.get('a')?.state).toBe('new');
});

test('forgets a stream only below a version when told so, and all of it otherwise', () => {
  const cache = stateCache<string>(10_000);
  cache.put('a', known('x', 2));
  cache.evict('a', 2);
  expect(cache.get('a')).toBeDefined();
  cache.evict('a', 3);
  expect(cache.get('a')).toBeUndefined();
  cache.put('a', known('x', 2));
  cache.evict('a');
  expect(cache.get('a')).toBeUndefined();
});

test('forgets everything at once', () => {
  const cache = stateCache<string>(10_000);
  for (const key of ['a', 'b']) cache.put(key, known('x'));
  cache.clear();
  expect(['a', 'b'].map((key) => cache.get(key))).toEqual([undefined, undefined]);
});

test('of 0 bytes keeps nothing', () => {
  const cache = stateCache<string>(0);
  cache.put('a', known('x'));
  expect(cache.get('a')).toBeUndefined();
});

test.each<[string, unknown, number]>([
  ['an empty string', '', 16],
  ['a string', 'abc', 22],
  ['a small integer', 7, 0],
  ['a large integer', 2 ** 40, 24],
  ['a fraction', 0.5, 24],
  ['a bigint', 1n, 24],
  ['true', true, 0],
  ['null', null, 0],
  ['undefined', undefined, 0],
  ['an empty list', [], 32],
  ['a list', [1, 'a'], 32 + 8 + 8 + 18],
  ['a record', { a: 1n, b: { c: 'x' } }, 32 + 8 + 24 + 8 + (32 + 8 + 18)],
])('estimates %s', (_, value, bytes) => {
  expect(estimateBytes(value)).toBe(bytes);
});
