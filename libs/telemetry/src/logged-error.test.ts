import { expect, test } from 'vitest';
import { loggedError } from './logged-error.ts';

const secret = 'swordfish';
const refused = Object.assign(new Error('WRONGPASS'), {
  command: { name: 'auth', args: [secret] },
  code: 'E',
});
const violated = Object.assign(new Error('violates not-null'), {
  detail: `Failing row contains (${secret}).`,
  table: 'customers',
});

test('keeps type, message, stack and fields, and drops the data that clients tie to their errors', () => {
  expect(loggedError(refused)).toEqual({
    type: 'Error',
    message: 'WRONGPASS',
    stack: expect.stringContaining('logged-error.test'),
    code: 'E',
  });
  expect(loggedError(violated)).toMatchObject({ message: 'violates not-null', table: 'customers' });
  expect(JSON.stringify(loggedError(violated))).not.toContain(secret);
});

test('does so for causes and the errors of an AggregateError too', () => {
  const all = new AggregateError([refused, violated], 'both', {
    cause: new Error('outer', { cause: refused }),
  });
  const text = JSON.stringify(loggedError(all));
  expect(text).not.toContain(secret);
  for (const message of ['both', 'outer', 'WRONGPASS', 'violates not-null', 'customers'])
    expect(text).toContain(message);
});

test('of an invalid URL, its text is not logged', () => {
  const error = (() => {
    try {
      return new URL(`postgres://u:${secret}@h:x/`);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toHaveProperty('input');
  expect(JSON.stringify(loggedError(error))).not.toContain(secret);
});

test.each([['text'], [undefined], [null], [{ code: 1 }]])('takes what is no error: %j', (value) => {
  expect(loggedError(value)).toEqual(value);
});
