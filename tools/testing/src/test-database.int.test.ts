import { expect, inject, test } from 'vitest';
import { type DatabaseTemplate, testDatabase } from './test-database.ts';
import { withClient } from './with-client.ts';

const rows = (url: string, sql: string) =>
  withClient(url, async (client) => (await client.query(sql)).rows);

const exists = async (name: string) =>
  (await rows(inject('postgresUrl'), `SELECT FROM pg_database WHERE datname = '${name}'`)).length;

function countingTemplate(name: string) {
  const calls: string[] = [];
  const template: DatabaseTemplate = {
    name,
    async prepare(url) {
      calls.push(url);
      await rows(url, 'CREATE TABLE seed AS SELECT 42 AS answer');
    },
  };
  return { template, calls };
}

test('gives each caller an empty database of its own and drops it in spite of open connections', async () => {
  const a = await testDatabase();
  await using b = await testDatabase();
  await rows(a.url, 'CREATE TABLE only_in_a ()');
  expect(await rows(b.url, `SELECT to_regclass('only_in_a') AS t`)).toEqual([{ t: null }]);
  await withClient(a.url, async () => {
    await a[Symbol.asyncDispose]();
  });
  expect(await exists(a.name)).toBe(0);
});

test('prepares a template once, however many ask at the same time', async () => {
  const { template, calls } = countingTemplate('once');
  const databases = await Promise.all(Array.from({ length: 5 }, () => testDatabase(template)));
  try {
    expect(calls).toHaveLength(1);
    for (const { url } of databases) {
      expect(await rows(url, 'SELECT answer FROM seed')).toEqual([{ answer: 42 }]);
    }
  } finally {
    for (const database of databases) await database[Symbol.asyncDispose]();
  }
});

test('clones a template whose preparation left a connection open', async () => {
  const { template } = countingTemplate('open');
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let client: Promise<unknown> | undefined;
  await using database = await testDatabase({
    name: template.name,
    prepare: async (url) => {
      await template.prepare(url);
      await new Promise<void>((connected) => {
        client = withClient(url, () => {
          connected();
          return held;
        });
      });
    },
  });
  expect(await rows(database.url, 'SELECT answer FROM seed')).toHaveLength(1);
  release();
  await client;
});

test('prepares again after a preparation that failed', async () => {
  const { template, calls } = countingTemplate('retry');
  const failing = { name: 'retry', prepare: () => Promise.reject(new Error('bad migration')) };
  await expect(testDatabase(failing)).rejects.toThrow('bad migration');
  await using database = await testDatabase(template);
  expect(calls).toHaveLength(1);
  expect(await rows(database.url, 'SELECT answer FROM seed')).toHaveLength(1);
});

test('refuses a template name that is no plain identifier', async () => {
  const { template } = countingTemplate('Log; drop');
  await expect(testDatabase(template)).rejects.toThrow(TypeError);
});
