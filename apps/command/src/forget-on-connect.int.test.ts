import { createPool } from '@ordermesh/postgres';
import { eventually, testDatabase } from '@ordermesh/testing';
import { expect, it } from 'vitest';
import { forgetOnConnect } from './forget-on-connect.ts';

it('forgets what it remembers when a connection was replaced, also one that broke at work, and else never', async () => {
  await using database = await testDatabase();
  const pool = createPool({ url: database.url, max: 1, name: 'test', onError: () => undefined });
  const admin = createPool({ url: database.url, max: 1, name: 'admin' });
  await using _ended = {
    async [Symbol.asyncDispose]() {
      await Promise.all([pool.end(), admin.end()]);
    },
  };
  let cleared = 0;
  const cache = { clear: () => void cleared++ };
  forgetOnConnect([pool], cache);
  await pool.query('SELECT 1');
  await pool.query('SELECT 1');
  expect(cleared).toBe(1);

  const working = pool.query('SELECT pg_sleep(60)').catch(() => 'broken');
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test' AND query LIKE '%pg_sleep%'`;
  await eventually(async () => (await admin.query(end)).rowCount === 1);
  expect(await working).toBe('broken');
  await pool.query('SELECT 1');
  expect(cleared).toBe(2);
});
