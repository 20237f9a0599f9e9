import { expect, test } from 'vitest';
import { longFileFaults } from './long-files.ts';

test('refuses a source of 401 lines, and takes one of 400', () => {
  const lines = { 'a.ts': 400, 'b/c.ts': 401, 'd.sql': 500 };
  expect(longFileFaults(Object.keys(lines), (path) => lines[path as keyof typeof lines])).toEqual([
    'b/c.ts has 401 lines, more than 400: split it',
    'd.sql has 500 lines, more than 400: split it',
  ]);
});

test('leaves generated code and data alone', () => {
  const files = ['libs/contract/src/gen/a.ts', 'x_pb.ts', 'package-lock.json', 'README.md'];
  expect(longFileFaults(files, () => 9_999)).toEqual([]);
});
