import { expect, test } from 'vitest';
import { lockfileFaults } from './lockfile-faults.ts';

test('takes packages with integrity alone, members and links', () => {
  const packages = {
    '': {},
    'libs/order': {},
    'node_modules/@ordermesh/order': { resolved: 'libs/order', link: true },
    'node_modules/pg': { integrity: 'sha512-x' },
  };
  expect(lockfileFaults({ packages })).toEqual([]);
});

test('refuses a resolved URL', () => {
  const packages = { 'node_modules/pg': { integrity: 'sha512-x', resolved: 'https://mirror/pg' } };
  expect(lockfileFaults({ packages })).toEqual([
    'package-lock.json: node_modules/pg has a resolved URL: https://mirror/pg',
  ]);
});

test('refuses a package without integrity, also a nested one', () => {
  const packages = { 'libs/order/node_modules/pg': {} };
  expect(lockfileFaults({ packages })).toEqual([
    'package-lock.json: libs/order/node_modules/pg has no integrity',
  ]);
});
