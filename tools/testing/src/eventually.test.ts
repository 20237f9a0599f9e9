import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';

test('returns the first answer that is not false', async () => {
  const answers = [false, false, 0, 7] as const;
  let i = 0;
  expect(await eventually(() => answers[i++] ?? false, { everyMs: 1 })).toBe(0);
  expect(i).toBe(3);
});

test('tries again after an error', async () => {
  let calls = 0;
  const result = await eventually(
    async () => {
      if (++calls < 3) throw new Error('not yet');
      return 'done';
    },
    { everyMs: 1 },
  );
  expect(result).toBe('done');
});

test('gives up with the last error as cause, the count of attempts and the stack of the caller', async () => {
  const cause = new Error('still empty');
  const error: Error = await eventually(() => Promise.reject(cause), {
    withinMs: 30,
    everyMs: 5,
  }).catch((e) => e);
  expect(error.message).toMatch(/^not within 30 ms \(\d+ attempts\); at last: still empty$/);
  expect(error.cause).toBe(cause);
  expect(error.stack).toContain('eventually.test.ts');
});

test('gives up on an attempt that hangs', async () => {
  const hanging = eventually(() => new Promise<never>(() => {}), { withinMs: 20 });
  await expect(hanging).rejects.toThrow('the attempt did not end');
});
