import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestDatabase, testDatabase } from '@ordermesh/testing';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

let database: TestDatabase;
let child: ChildProcess | undefined;

beforeAll(async () => {
  database = await testDatabase();
});

afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

afterAll(() => database?.[Symbol.asyncDispose]());

/** The process with free ports and a database that does not exist yet; resolves with its admin address when it is ready. */
async function start(settings: Record<string, string>): Promise<string> {
  // A name that starts like the run's own databases, so that the run drops it.
  const own = new URL(database.url);
  own.pathname += `_${settings.CUSTOMER_FAULTS ?? 'default'}`;
  child = spawn(process.execPath, ['--import', '@ordermesh/telemetry/register', 'src/main.ts'], {
    cwd: `${import.meta.dirname}/..`,
    env: {
      PATH: process.env.PATH,
      CUSTOMER_PORT: '0',
      CUSTOMER_ADMIN_PORT: '0',
      CUSTOMER_DATABASE_URL: own.href,
      MIGRATION_DATABASE_URL: database.url,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seen: string[] = [];
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    seen.push(line);
    const { msg, adminPort } = JSON.parse(line);
    if (msg === 'ready') return `http://127.0.0.1:${adminPort}`;
  }
  throw new Error(`not ready: ${seen.join('\n')}`);
}

const status = async (url: string, init: RequestInit = {}) =>
  (await fetch(url, { ...init, headers: { connection: 'close' } })).status;

it('makes its database, is ready, has no /faults, and ends with code 0 when told to', async () => {
  const admin = await start({});
  expect(await status(`${admin}/livez`)).toBe(200);
  expect(await status(`${admin}/readyz`)).toBe(200);
  expect(await status(`${admin}/faults`)).toBe(404);
  expect(await status(`${admin}/faults`, { method: 'POST', body: '{"failRatio":1}' })).toBe(404);
  child?.kill('SIGTERM');
  expect(await once(child as ChildProcess, 'exit')).toEqual([0, null]);
});

it('has /faults with CUSTOMER_FAULTS=on', async () => {
  const admin = await start({ CUSTOMER_FAULTS: 'on' });
  expect(await status(`${admin}/faults`, { method: 'POST', body: '{"failRatio":1}' })).toBe(200);
});
