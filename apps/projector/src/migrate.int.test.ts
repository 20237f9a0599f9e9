import { startApp, type TestDatabase, testDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FeedFixture, feedFixture } from '../test/order-log.ts';

let server: TestDatabase;
let log: FeedFixture;
let url: string;

beforeAll(async () => {
  [server, log] = await Promise.all([testDatabase(), feedFixture()]);
  // Does not exist yet; the name starts like the run's own databases, so that the run drops it.
  const own = new URL(server.url);
  own.pathname += '_migrated';
  url = own.href;
});

afterAll(async () => {
  await log?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const folder = `${import.meta.dirname}/..`;

it('migrate makes the database and ends with code 0; the process then needs no right to do so', async () => {
  const env = { VIEW_DATABASE_URL: url, MIGRATION_DATABASE_URL: server.url };
  await using job = startApp(folder, env, { words: ['migrate'] });
  expect(await job.ended).toEqual({ code: 0, stderr: '' });
  await using app = startApp(folder, {
    PROJECTOR_ADMIN_PORT: '0',
    LOG_DATABASE_URL: log.url,
    VIEW_DATABASE_URL: url,
  });
  await app.logged('ready');
});
