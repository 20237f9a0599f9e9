import { expect, test } from 'vitest';
import { idempotencyKey, requestHash, sameHash } from './idempotency.ts';

test('keeps callers, methods and keys apart, also where their texts join to the same', () => {
  const parts = [
    ['a', 'b', 'c'],
    ['ab', '', 'c'],
    ['a', 'bc', ''],
    ['a', 'b', 'C'],
    ['a"', 'b', 'c'],
  ] as const;
  const keys = parts.map(([caller, method, key]) =>
    Buffer.from(idempotencyKey(caller, method, key)).toString('hex'),
  );
  expect(new Set(keys).size).toBe(parts.length);
  expect(keys.every((key) => key.length === 32)).toBe(true);
});

test('compares request hashes by content', () => {
  const [a, b, c] = ['x', 'x', 'y'].map((text) => requestHash(Buffer.from(text))) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  expect([sameHash(a, b), sameHash(a, c)]).toEqual([true, false]);
});
