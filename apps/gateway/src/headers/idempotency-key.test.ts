import { describe, expect, test } from 'vitest';
import { readIdempotencyKey } from './idempotency-key.ts';

describe('readIdempotencyKey()', () => {
  test.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['"a\\"b\\\\"', 'a"b\\'],
    ['a"b', 'a"b'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
  ])('reads %j', (value, key) => {
    expect(readIdempotencyKey(value)).toBe(key);
  });

  test.each([
    '',
    '""',
    'a b',
    '"a b"',
    '"a',
    '"a"b"',
    '"a";x=1',
    '"a\\b"',
    'a, b',
    'ä',
    '\x7f',
    'x'.repeat(256),
  ])('refuses %j', (value) => {
    expect(() => readIdempotencyKey(value)).toThrow(
      expect.objectContaining({ reason: 'INVALID_REQUEST' }),
    );
  });
});
