import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@ordermesh/engines';
import { withClient } from '@ordermesh/testing';

/** A PostgreSQL of the benchmark's own, durable, in a temporary folder that goes with it. */
export interface OwnServer extends AsyncDisposable {
  /** Of its database `postgres`, as superuser. */
  readonly url: string;
  /** A new, empty database. @returns its URL */
  createDatabase(): Promise<string>;
  /** Drops one of them; the server waits up to 5 s for connections that are just closing. */
  dropDatabase(url: string): Promise<void>;
  /** Lets each commit wait before it flushes, 0 to 2000 µs: a slower disk. It gathers what other commits bring in the meantime. */
  delayFlush(micros: number): Promise<void>;
  /** Its version and settings, to be printed. */
  readonly description: string;
}

/** Of 16 MB each: more than are written from one checkpoint to the next (max_wal_size is 1 GB). */
const walSegments = 40;

/**
 * Starts it, with the settings of `npm start` but one: it keeps up to 1 GB of write-ahead log. It has written a good half of that, so that it writes over old files as a
 * server does that has been up for a while. Making them anew takes a sixth of the rate of 64 callers.
 */
export async function ownServer(): Promise<OwnServer> {
  const dir = await mkdtemp(join(tmpdir(), 'ordermesh-bench-'));
  await chmod(dir, 0o711); // root runs PostgreSQL as nobody, who has to pass through
  const postgres = await startPostgres({ dataDir: join(dir, 'postgres') });
  const run = (...statements: string[]) =>
    withClient(postgres.url, async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  const version = await withClient(postgres.url, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? '';
  });
  await run("ALTER SYSTEM SET min_wal_size = '1GB'", 'SELECT pg_reload_conf()');
  for (let n = 0; n < walSegments; n++)
    await run("SELECT pg_logical_emit_message(false, '', '')", 'SELECT pg_switch_wal()');
  await run('CHECKPOINT');
  let databases = 0;
  return {
    description: `${version}, as started by npm start, with min_wal_size = 1GB`,
    url: postgres.url,
    async createDatabase() {
      const url = new URL(postgres.url);
      url.pathname = `bench_${++databases}`;
      await run(`CREATE DATABASE bench_${databases}`);
      return url.href;
    },
    dropDatabase: (url) => run(`DROP DATABASE ${new URL(url).pathname.slice(1)}`),
    delayFlush: (micros) =>
      run(
        `ALTER SYSTEM SET commit_delay = ${micros}`,
        'ALTER SYSTEM SET commit_siblings = 0',
        'SELECT pg_reload_conf()',
      ),
    async [Symbol.asyncDispose]() {
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
