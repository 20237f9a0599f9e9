import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

interface Report {
  readonly testResults: readonly { name: string; status: string; message: string }[];
}

/** Runs vitest on the planted files and returns each file's verdict. */
async function runPlanted(): Promise<Map<string, { status: string; message: string }>> {
  const dir = mkdtempSync(join(tmpdir(), 'ordermesh-planted-'));
  const output = join(dir, 'report.json');
  const args = [
    fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url)),
    ...['run', '--reporter=json', `--outputFile=${output}`, '--config'],
    fileURLToPath(new URL('../fixtures/leaks/vitest.config.ts', import.meta.url)),
  ];
  try {
    // Its exit code is 1, because planted files fail: the report says which.
    await new Promise((done) => execFile(process.execPath, args, done));
    const report = JSON.parse(readFileSync(output, 'utf8')) as Report;
    return new Map(report.testResults.map((r) => [basename(r.name, '.planted.ts'), r]));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('fails a file that leaves a socket, a server, a timer or a child process, and no other', async () => {
  const verdicts = await runPlanted();
  const failed = [...verdicts].filter(([, { status }]) => status === 'failed').map(([n]) => n);
  expect(failed.sort()).toEqual(['child', 'server', 'socket', 'timer']);
  expect(verdicts.get('clean')?.status).toBe('passed');
  expect(verdicts.get('child')?.message).toContain('1 child process');
  expect(verdicts.get('server')?.message).toContain('1 TCP server');
  expect(verdicts.get('socket')?.message).toMatch(/TCP socket.*open: .*127\.0\.0\.1:\d+/);
  expect(verdicts.get('timer')?.message).toContain('1 timer');
}, 60_000);
