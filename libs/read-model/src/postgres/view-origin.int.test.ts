import { databaseOf, migrate } from '@ordermesh/postgres';
import { testDatabase } from '@ordermesh/testing';
import { expect, it } from 'vitest';
import { postgresViewMigrations } from './migrations.ts';
import { viewOrigin } from './view-origin.ts';

/** Not cloned from a template: a copy of a database has its views, and so their origin. */
async function newViews() {
  const database = await testDatabase();
  const options = { url: database.url, database: databaseOf(database.url) ?? '' };
  await migrate({ ...options, ...postgresViewMigrations }, AbortSignal.timeout(60_000));
  return database;
}

it('names the views of one database, always alike and like those of no other', async () => {
  await using one = await newViews();
  await using other = await newViews();
  const [first, again, elsewhere] = await Promise.all(
    [one, one, other].map(({ url }) => viewOrigin(url, 'test')),
  );
  expect(first).toMatch(/^orders-pg@\d+:[\da-f-]{36}$/);
  expect(again).toBe(first);
  expect(elsewhere).not.toBe(first);
});
