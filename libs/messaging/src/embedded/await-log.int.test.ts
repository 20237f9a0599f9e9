import { type TestDatabase, testDatabase } from '@ordermesh/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awaitLog } from './await-log.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const never = new AbortController().signal;
const feed = `CREATE FUNCTION read_feed(p_partition integer, p_after bigint, p_limit integer) RETURNS TABLE (n integer)
  LANGUAGE sql AS 'SELECT 1'`;

test('awaitLog() waits until the log has its feed', async () => {
  let there = false;
  const waiting = awaitLog(database.url, never).then(() => expect(there).toBe(true));
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query('SELECT pg_sleep(0.3)'); // at least one look at a log without it
  there = true;
  await client.query(feed);
  await client.end();
  await waiting;
});

test('awaitLog() waits for a database that does not exist yet, and ends with its signal', async () => {
  const stop = new AbortController();
  const waiting = awaitLog(database.url.replace(/[^/]+$/, 'ordermesh_absent'), stop.signal);
  setTimeout(() => stop.abort(new Error('stopped')), 300);
  await expect(waiting).rejects.toThrow();
});
