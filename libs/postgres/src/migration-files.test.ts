import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readMigrations, SchemaError } from './migration-files.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ordermesh-migrations-'));
});
afterEach(() => rm(directory, { recursive: true }));

const write = (...names: string[]) =>
  Promise.all(names.map((name) => writeFile(join(directory, name), `-- ${name}`)));

test('reads the files in the order of their numbers and ignores what is no SQL', async () => {
  await write('000002_b.sql', '000001_a.sql', 'README.md');
  const files = await readMigrations(directory);
  expect(files.map(({ number, name }) => [number, name])).toEqual([
    [1, '000001_a.sql'],
    [2, '000002_b.sql'],
  ]);
});

test.each([
  ['a gap', ['000001_a.sql', '000003_c.sql'], '000002_<name>.sql'],
  ['a number twice', ['000001_a.sql', '000001_b.sql'], '000002_<name>.sql'],
  ['another form', ['1_a.sql'], '000001_<name>.sql'],
  ['an empty folder', [], 'no migrations'],
])('refuses %s', async (_, names, message) => {
  await write(...names);
  await expect(readMigrations(directory)).rejects.toThrow(SchemaError);
  await expect(readMigrations(directory)).rejects.toThrow(message);
});
