import { expect, test } from 'vitest';
import { maxEventBytes, unstorable } from './event-limits.ts';
import { appendOf } from './testing/raw-append.ts';

const withData = (data: string) => {
  const append = appendOf();
  return { ...append, events: append.events.map((event) => ({ ...event, data })) };
};

test('measures bytes, not characters', () => {
  const fits = JSON.stringify('x'.repeat(maxEventBytes - 2));
  expect(unstorable(withData(fits))).toBeUndefined();
  expect(unstorable(withData(fits.replace('x', 'ä')))).toMatchObject({
    reason: 'EVENT_TOO_LARGE',
    metadata: { size: String(maxEventBytes + 1), limit: String(maxEventBytes) },
  });
});

test.each(['"\\u0000"', '"\\\\\\u0000"', '{"\\u0000":1}', '"\\uD83D"', '"\\uDE00\\uD83D"'])(
  'refuses a text that the database cannot hold: %s',
  (data) => {
    expect(unstorable(withData(data))).toMatchObject({ reason: 'INVALID_REQUEST' });
  },
);

test.each(['"\\\\u0000"', '"\\ud83d\\ude00"', '"\\u0001"', '{"a":1}]"\\u0000"'])(
  'leaves to the database what it can hold, and what is no JSON: %s',
  (data) => {
    expect(unstorable(withData(data))).toBeUndefined();
  },
);

test('refuses a command without events', () => {
  expect(unstorable(appendOf(undefined, 0))?.message).toContain('at least one event');
});
