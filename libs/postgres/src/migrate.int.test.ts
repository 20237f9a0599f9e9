import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type TestDatabase, testDatabase } from '@ordermesh/testing';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { awaitSchema } from './await-schema.ts';
import { databaseUrl } from './database-url.ts';
import { migrate } from './migrate.ts';
import { SchemaError } from './migration-files.ts';
import { prepareDatabase } from './prepare-database.ts';

const never = new AbortController().signal;
let server: TestDatabase;
let directory: string;
/** A database that does not exist yet. */
let database: string;
let url: string;

beforeEach(async () => {
  server = await testDatabase();
  database = `${server.name}_new`;
  url = databaseUrl(server.url, database);
  directory = await mkdtemp(join(tmpdir(), 'ordermesh-migrations-'));
  await file('000001_a.sql', 'CREATE TABLE a (); CREATE TABLE b ();');
  await file('000002_c.sql', 'CREATE TABLE c ();');
});
afterEach(async () => {
  await run(server.url, `DROP DATABASE IF EXISTS ${database}`);
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const file = (name: string, sql: string) => writeFile(join(directory, name), sql);
const go = () => migrate({ url: server.url, directory, database }, never);

async function run(at: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: at });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('creates the database, applies every file once and says which', async () => {
  expect(await go()).toEqual(['000001_a.sql', '000002_c.sql']);
  expect(await go()).toEqual([]);
  await file('000003_d.sql', 'CREATE TABLE d ();');
  expect(await go()).toEqual(['000003_d.sql']);
  expect(
    await run(url, "SELECT to_regclass('b') IS NOT NULL AS b, to_regclass('d') IS NOT NULL AS d"),
  ).toEqual([{ b: true, d: true }]);
});

test('lets eight concurrent starters apply each file once', async () => {
  const applied = await Promise.all(Array.from({ length: 8 }, go));
  expect(applied.flat().sort()).toEqual(['000001_a.sql', '000002_c.sql']);
});

test('keeps sets of files in one database apart', async () => {
  await go();
  expect(
    await migrate({ url: server.url, directory, database, set: 'x' }, never).catch(String),
  ).toMatch('relation "a" already exists');
  await file('000001_a.sql', 'CREATE TABLE d ();');
  await file('000002_c.sql', 'CREATE TABLE e ();');
  const options = { url: server.url, directory, database, set: 'x' };
  expect(await migrate(options, never)).toEqual(['000001_a.sql', '000002_c.sql']);
  await awaitSchema({ url, directory, set: 'x' }, never);
});

test('refuses a file that has changed since it was applied', async () => {
  await go();
  await file('000001_a.sql', 'CREATE TABLE a (x int);');
  await expect(go()).rejects.toThrow(/000001_a\.sql has changed since it was applied/);
});

test('migrates no database that is newer than the code, but starts on one', async () => {
  await go();
  const older = `${directory}-older`;
  await cp(join(directory, '000001_a.sql'), join(older, '000001_a.sql'));
  try {
    await expect(migrate({ url: server.url, directory: older, database }, never)).rejects.toThrow(
      /newer than this code: it has migration 000002_c\.sql/,
    );
    await awaitSchema({ url, directory: older }, never);
  } finally {
    await rm(older, { recursive: true });
  }
});

test('keeps the files before a failing one and nothing of the failing one', async () => {
  await file('000002_c.sql', 'CREATE TABLE c (); SELECT 1/0;');
  await expect(go()).rejects.toThrow('division by zero');
  expect(await run(url, "SELECT to_regclass('a') IS NOT NULL AS a, to_regclass('c') AS c")).toEqual(
    [{ a: true, c: null }],
  );
});

test('stops waiting for the lock when it is told to', async () => {
  await go();
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  try {
    await holder.query('BEGIN; LOCK TABLE schema_migrations');
    const stop = new AbortController();
    const waiting = migrate({ url: server.url, directory, database }, stop.signal).catch(String);
    const blocked = `SELECT FROM pg_stat_activity WHERE datname = '${database}' AND wait_event_type = 'Lock'`;
    await eventually(async () => (await run(server.url, blocked)).length === 1);
    stop.abort(new Error('stopped'));
    expect(await waiting).toBe('Error: stopped');
  } finally {
    await holder.end();
  }
});

test('awaits a schema that somebody else applies meanwhile', async () => {
  const waiting = awaitSchema({ url, directory }, never);
  await go();
  await waiting;
});

test('says which migration is missing and what to set when nobody applies it', async () => {
  await go();
  await file('000003_d.sql', 'CREATE TABLE d ();');
  const error = await awaitSchema({ url, directory, timeoutMs: 300 }, never).catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(SchemaError);
  expect(String(error)).toMatch(/lacks 000003_d\.sql .* MIGRATION_DATABASE_URL/);
});

test('refuses at once to wait for a schema that can never fit', async () => {
  await go();
  await file('000001_a.sql', '-- other');
  await expect(awaitSchema({ url, directory }, never)).rejects.toThrow('has changed');
});

test('prepares a database by its own hand where it may, else by waiting for somebody', async () => {
  const waiting = prepareDatabase({ url, migrationUrl: undefined, directory }, never);
  await prepareDatabase({ url, migrationUrl: server.url, directory }, never);
  await waiting;
  expect(await run(url, "SELECT to_regclass('c') IS NOT NULL AS c")).toEqual([{ c: true }]);
});
