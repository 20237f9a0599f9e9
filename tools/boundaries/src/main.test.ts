import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repositoryFiles } from './long-files.ts';

const root = join(import.meta.dirname, '../../..');
let copy: string;

/** A workspace with the package.json files of this one, in a git repository of its own. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'ordermesh-boundaries-'));
  const manifests = repositoryFiles(root).filter((path) => /(^|\/)package\.json$/.test(path));
  for (const path of ['nx.json', 'package-lock.json', '.gitignore', ...manifests]) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  execFileSync('git', ['init', '--quiet'], { cwd: copy });
});
afterAll(() => rmSync(copy, { recursive: true }));

function check(): Promise<{ code: unknown; output: string }> {
  const args = [join(import.meta.dirname, 'main.ts')];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: copy }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    );
  });
}

function declare(project: string, dependency: string): () => void {
  const path = join(copy, project, 'package.json');
  const original = readFileSync(path, 'utf8');
  const manifest = JSON.parse(original);
  manifest.dependencies = { ...manifest.dependencies, [dependency]: '0.0.0' };
  writeFileSync(path, JSON.stringify(manifest));
  return () => writeFileSync(path, original);
}

test('passes as things are, and fails through the Nx graph when query declares the event store', async () => {
  expect(await check()).toMatchObject({ code: 0 });
  const undo = declare('apps/query', '@ordermesh/event-store-postgres');
  expect(await check()).toEqual({
    code: 1,
    output:
      'boundaries: @ordermesh/query must not use @ordermesh/event-store-postgres: scope read may not see scope write\n',
  });
  undo();
}, 120_000);

test('fails when a library takes a test tool into its code', async () => {
  const undo = declare('libs/order', '@ordermesh/testing');
  const { code, output } = await check();
  undo();
  expect(code).toBe(1);
  expect(output).toContain('a tool is for tests');
}, 120_000);

test('fails on a long file', async () => {
  const path = join(copy, 'libs/order/long.ts');
  writeFileSync(path, '\n'.repeat(401));
  const { code, output } = await check();
  rmSync(path);
  expect(code).toBe(1);
  expect(output).toContain('libs/order/long.ts has 401 lines');
}, 120_000);
