import { expect, test } from 'vitest';
import { isMigration } from './is-migration.ts';
import { StartupError } from './startup-error.ts';

test('a process serves, unless its one argument is migrate', () => {
  expect(isMigration([])).toBe(false);
  expect(isMigration(['migrate'])).toBe(true);
});

test.each([['migrat'], ['migrate', 'now'], ['--full']])('%s is refused', (...args) => {
  expect(() => isMigration(args)).toThrow(StartupError);
});
