import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LockedError, lockFile } from './lock-file.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ordermesh-lock-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

test('refuses a second holder and names the first', () => {
  const path = join(dir, 'a.lock');
  using _held = lockFile(path);
  expect(() => lockFile(path)).toThrow(LockedError);
  expect(() => lockFile(path)).toThrow(`process ${process.pid}`);
});

test('is free again after dispose, also when disposed twice', () => {
  const path = join(dir, 'b.lock');
  const first = lockFile(path);
  first[Symbol.dispose]();
  using _second = lockFile(path);
  first[Symbol.dispose]();
  expect(() => lockFile(path)).toThrow(LockedError);
});

test('is free again after kill -9 of the holder', async () => {
  const path = join(dir, 'c.lock');
  const module = JSON.stringify(new URL('./lock-file.ts', import.meta.url).href);
  const program = `import { lockFile } from ${module};
    globalThis.held = lockFile(process.argv[1]); console.log('held'); setInterval(() => {}, 1e6);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(holder, 'exit');
  try {
    await once(holder.stdout, 'data');
    expect(() => lockFile(path)).toThrow(`process ${holder.pid}`);
  } finally {
    holder.kill('SIGKILL');
    await exited;
  }
  using _held = lockFile(path);
});
