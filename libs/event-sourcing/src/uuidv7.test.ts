import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { uuidv7 } from './uuidv7.ts';

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('makes version 7 ids that begin with the time', () => {
  const newId = uuidv7(
    () => 0x0123456789ab,
    (n) => new Uint8Array(n).fill(0xff),
  );
  expect(newId()).toBe('01234567-89ab-77ff-bfff-ffffffffffff');
});

test('grows with every id, while the clock stands still or is set back', () => {
  let ms = Date.now();
  const newId = uuidv7(() => ms, randomBytes);
  const ids = Array.from({ length: 20_000 }, (_, n) => {
    if (n % 5000 === 4999) ms += n % 2 ? 3 : -60_000;
    return newId();
  });
  expect(ids.every((id) => form.test(id))).toBe(true);
  expect(ids).toEqual([...new Set(ids)].sort());
});
