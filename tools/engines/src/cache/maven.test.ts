import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type MavenCall, runMaven } from './maven.ts';
import { noProgress } from './progress.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ordermesh-maven-'));
});
afterEach(() => void vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true }));

const call = (): MavenCall => ({
  ...{ goal: 'copy', args: [], label: 'Kafka', totalBytes: 1, folder },
  java: { home: '/nowhere', program: '/nowhere/bin/java', major: 17, version: '17' },
  progress: noProgress,
});

test.each([
  ['with', '/usr/bin-without-maven:/usr/sbin'],
  ['without', '/nowhere'],
])('says that Maven is missing, on a PATH %s other programs', async (_, path) => {
  vi.stubEnv('PATH', path);
  await expect(runMaven(call())).rejects.toThrow(/^Maven \(`mvn`\) is not on the PATH$/);
});
