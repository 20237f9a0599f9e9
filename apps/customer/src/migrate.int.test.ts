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

it('migrate makes the database and ends with code 0; the process then needs no right to do so', async () => {
  const env = { CUSTOMER_DATABASE_URL: url, MIGRATION_DATABASE_URL: server.url };
  await using job = startApp(folder, env, { words: ['migrate'] });
  expect(await job.ended).toEqual({ code: 0, stderr: '' });
  await using app = startApp(folder, {
    CUSTOMER_PORT: '0',
    CUSTOMER_ADMIN_PORT: '0',
    CUSTOMER_DATABASE_URL: url,
  });
  await app.logged('ready');
});
