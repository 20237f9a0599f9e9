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

test.each(['', '{', '{} {}', '{"a":1}]'])('refuses data that is not one JSON value: %j', (data) => {
  expect(unstorable(withData(data))?.message).toContain('is not JSON');
});

test('refuses a command without events', () => {
  expect(unstorable(appendOf(undefined, 0))?.message).toContain('at least one event');
});
