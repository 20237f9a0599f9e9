import { expect, test } from 'vitest';
import { type ExpectedVersion, isExpected, namesVersion } from './expected-version.ts';

test.each<[ExpectedVersion, boolean, boolean, boolean]>([
  ['any', true, true, false],
  ['exists', false, true, false],
  ['no_stream', true, false, true],
  [2, false, true, true],
  [1, false, false, true],
])('%s: absent %s, at version 2 %s, names a version %s', (expected, absent, atTwo, names) => {
  expect([isExpected(expected, 0), isExpected(expected, 2), namesVersion(expected)]).toEqual([
    absent,
    atTwo,
    names,
  ]);
});
