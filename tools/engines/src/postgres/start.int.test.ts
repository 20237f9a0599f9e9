import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../free-port.ts';
import { findBinaries } from './binaries.ts';
import { spawnPostmaster } from './postmaster.ts';
import { chooseRunAs } from './run-as.ts';
import { startPostgres } from './start.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ordermesh-engines-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
const dir = (name: string) => join(root, name, 'postgres');

async function query<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client(url);
  client.on('error', () => {}); // the server is killed under it
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const gone = (pid: number) => vi.waitUntil(() => !isAlive(pid), { timeout: 20_000, interval: 50 });

/** A parent process that started PostgreSQL on `dataDir`. */
async function spawnOwner(dataDir: string) {
  const program = fileURLToPath(new URL('../../fixtures/postgres-owner.ts', import.meta.url));
  const owner = spawn(process.execPath, [program, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await Promise.race([
    once(owner.stdout, 'data'),
    once(owner, 'exit').then(([code]) => Promise.reject(new Error(`fixture exited ${code}`))),
  ]);
  return { owner, ...(JSON.parse(String(line)) as { pid: number; url: string }) };
}

describe('startPostgres()', () => {
  test('folds non-ASCII letters, is durable by default and takes 200 connections', async () => {
    await using postgres = await startPostgres({ dataDir: dir('defaults') });
    const setting = async (name: string) =>
      (await query<Record<string, string>>(postgres.url, `SHOW ${name}`))[0]?.[name];
    expect(
      await query(postgres.url, `SELECT to_tsvector('simple', 'ÄRGER') @@ 'ärger'::tsquery AS hit`),
    ).toEqual([{ hit: true }]);
    expect(await setting('fsync')).toBe('on');
    expect(await setting('synchronous_commit')).toBe('on');
    expect(await setting('max_connections')).toBe('200');
    expect(await setting('shared_buffers')).toBe('128MB');
    expect(await setting('TimeZone')).toMatch(/UTC/);
  });

  test('keeps committed data through kill -9 of the postmaster', async () => {
    const dataDir = dir('killed');
    const first = await startPostgres({ dataDir });
    await query(first.url, 'CREATE TABLE t AS SELECT generate_series(1, 1000) AS n');
    const open = new pg.Client(first.url); // a backend that has to notice the loss
    open.on('error', () => {});
    await open.connect();
    process.kill(first.pid, 'SIGKILL');
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });
    await open.end().catch(() => {});

    await using second = await startPostgres({ dataDir, port: first.port });
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 1000 }]);
  });

  test('ends when its parent is killed', async () => {
    const { owner, pid } = await spawnOwner(dir('orphan'));
    const exited = once(owner, 'exit');
    owner.kill('SIGKILL');
    await exited;
    await gone(pid);
  });

  test('refuses a folder that another live process uses, and names it', async () => {
    const dataDir = dir('shared');
    const { owner, pid } = await spawnOwner(dataDir);
    try {
      await expect(startPostgres({ dataDir })).rejects.toThrow(`in use by process ${owner.pid}`);
    } finally {
      owner.kill('SIGKILL');
      await gone(pid);
    }
  });

  test('starts over a postmaster.pid whose process is gone or is someone else', async () => {
    const dataDir = dir('stale');
    await (await startPostgres({ dataDir, unsafeFast: true })).stop();
    writeFileSync(join(dataDir, 'postmaster.pid'), `${process.pid}\n${dataDir}\n1\n5432\n\n\n`);
    await using postgres = await startPostgres({ dataDir, unsafeFast: true });
    expect(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8')).toMatch(`${postgres.pid}\n`);
  });

  test('stops the postmaster that a killed run left behind', async () => {
    const dataDir = dir('leftover');
    await (await startPostgres({ dataDir, unsafeFast: true })).stop();
    const { postgres: program } = await findBinaries();
    const left = await spawnPostmaster({
      ...{ program, dir: dataDir, port: await freePort(), durable: false },
      runAs: chooseRunAs([program, dataDir]),
    });
    const notices: string[] = [];
    await using _postgres = await startPostgres({
      ...{ dataDir, unsafeFast: true },
      onNotice: (line) => notices.push(line),
    });
    expect(notices).toEqual([`stopped the PostgreSQL of a killed run (pid ${left.pid})`]);
    expect(await left.exited).toMatchObject({ code: 0 });
  });

  test('takes an empty folder, also below a closed one', async () => {
    const closed = join(root, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const dataDir = join(closed, 'empty');
    mkdirSync(dataDir);
    await using postgres = await startPostgres({ dataDir, unsafeFast: true });
    expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('refuses a folder with something else in it', async () => {
    const dataDir = dir('foreign');
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'notes.txt'), 'mine');
    await expect(startPostgres({ dataDir })).rejects.toThrow(/choose another/);
    expect(readFileSync(join(dataDir, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test.runIf(process.getuid?.() === 0)(
    'refuses data of another user and says what to do',
    async () => {
      const dataDir = dir('owner');
      mkdirSync(dataDir, { recursive: true });
      writeFileSync(join(dataDir, 'PG_VERSION'), '18\n');
      chownSync(dataDir, 12_345, 12_345);
      await expect(startPostgres({ dataDir })).rejects.toThrow(
        /belongs to user 12345.*start as the user who made the data/,
      );
    },
  );

  test('says that a fixed port is taken', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    try {
      await expect(startPostgres({ dataDir: dir('port'), port, unsafeFast: true })).rejects.toThrow(
        `port ${port} is taken`,
      );
    } finally {
      server.close();
    }
  });

  test('stops once, however often it is asked', async () => {
    const postgres = await startPostgres({ dataDir: dir('twice'), unsafeFast: true });
    await Promise.all([postgres.stop(), postgres.stop()]);
    await postgres.stop();
    expect(isAlive(postgres.pid)).toBe(false);
    expect(await postgres.exited).toMatchObject({ code: 0 });
  });
});
