import { startApp, type TestDatabase, testDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

let server: TestDatabase;
let url: string;

beforeAll(async () => {
  server = await testDatabase();
  // Does not exist yet; the name starts like the run's own databases, so that the run drops it.
  const own = new URL(server.url);
  own.pathname += '_migrated';
  url = own.href;
});

afterAll(() => server?.[Symbol.asyncDispose]());

const folder = `${import.meta.dirname}/..`;
const migrate = (env: Record<string, string>) =>
  startApp(folder, { LOG_DATABASE_URL: url, ...env }, { words: ['migrate'] });

it('migrate makes the database and ends with code 0; the process then needs no right to do so', async () => {
  await using job = migrate({ MIGRATION_DATABASE_URL: server.url });
  expect(await job.ended).toEqual({ code: 0, stderr: '' });
  await using app = startApp(folder, {
    COMMAND_PORT: '0',
    COMMAND_ADMIN_PORT: '0',
    TOKEN_KEY: '0123456789abcdef',
    LOG_DATABASE_URL: url,
  });
  await app.logged('ready');
});

it('migrate without its role ends with one line that names the variable, and code 1', async () => {
  await using job = migrate({});
  const { code, stderr } = await job.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ordermesh-command: MIGRATION_DATABASE_URL .*is not set.*\n$/);
});
