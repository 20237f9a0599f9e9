import { create } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { ceilMicrosOf, isoOfMicros, microsOf } from './created-micros.ts';

test.each([
  [1_700_000_000n, 123_456_789, '2023-11-14T22:13:20.123456Z'],
  [0n, 0, '1970-01-01T00:00:00.000000Z'],
  [-1n, 999_999_000, '1969-12-31T23:59:59.999999Z'],
  [-62_135_596_800n, 1_000, '0001-01-01T00:00:00.000001Z'],
  [253_402_300_799n, 999_999_999, '9999-12-31T23:59:59.999999Z'],
])('keeps %d s and %d ns to the microsecond', (seconds, nanos, iso) => {
  expect(isoOfMicros(microsOf(create(TimestampSchema, { seconds, nanos })))).toBe(iso);
});

test('rounds bounds up', () => {
  const bound = (nanos: number) => ceilMicrosOf(create(TimestampSchema, { seconds: 1n, nanos }));
  expect([bound(1000), bound(1001)]).toEqual([1_000_001n, 1_000_002n]);
});
