import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFile } from '@ordermesh/engines';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tokenKeyFile } from './token-key.ts';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'ordermesh-dev-'));
});
afterAll(() => rmSync(dataDir, { recursive: true }));

/** Runs `npm start`'s program to its end. */
function runMain(env: Record<string, string>): Promise<{ code: unknown; stderr: string }> {
  const main = join(import.meta.dirname, 'main.ts');
  return new Promise((resolve) => {
    const options = { env: { ...process.env, DATA_DIR: dataDir, ...env } };
    execFile(process.execPath, [main], options, (error, _stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    );
  });
}

test('refuses a DATA_DIR that another supervisor uses, and says what to do', async () => {
  using _other = lockFile(join(dataDir, 'supervisor.lock'));
  expect(await runMain({})).toEqual({
    code: 1,
    stderr: `another \`npm start\` (process ${process.pid}) uses this DATA_DIR: stop it, or set DATA_DIR to another folder\n`,
  });
}, 60_000);

test('names a malformed variable in one line and ends with code 1', async () => {
  const { code, stderr } = await runMain({ GATEWAY_PORT: 'eighty' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^GATEWAY_PORT is "eighty"; it must be .*\n$/);
}, 60_000);

test('makes the token key once, readable only by this user', () => {
  const file = tokenKeyFile(dataDir);
  const key = readFileSync(file, 'utf8');
  expect(Buffer.from(key, 'base64url')).toHaveLength(32);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(tokenKeyFile(dataDir), 'utf8')).toBe(key);
});
