import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { inject } from 'vitest';
import type {} from './provided.ts';
import { withClient } from './with-client.ts';

/** What the databases of a test begin with. */
export interface DatabaseTemplate {
  /** Tells templates of one run apart: `[a-z0-9_]`, at most 24 characters. */
  readonly name: string;
  /**
   * Brings an empty database to its state, typically by migrating. Called once per run, in one of the
   * workers. It has to close its connections; those it leaves open are ended.
   */
  prepare(url: string): Promise<void>;
}

/** A database that only one test, or one test file, uses. Dispose drops it, connected clients or not. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly name: string;
}

/**
 * A fresh database on the run's server (about 50 ms from a template). Call it once per file:
 *
 * ```ts
 * let database: TestDatabase;
 * beforeAll(async () => { database = await testDatabase({ name: 'log', prepare: migrateLog }); });
 * afterAll(() => database[Symbol.asyncDispose]());
 * ```
 *
 * The template lives only as long as the run, so that it never comes from other migrations.
 *
 * @throws what `prepare` throws; the next caller then prepares again.
 */
export async function testDatabase(template?: DatabaseTemplate): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const run = inject('postgresRun');
  const name = `${run}_${randomBytes(6).toString('hex')}`;
  await withClient(server, async (client) => {
    const source = template && (await prepareOnce(client, server, run, template));
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${source ?? 'template0'}`);
  });
  return {
    name,
    url: databaseUrl(server, name),
    async [Symbol.asyncDispose]() {
      await withClient(server, (client) =>
        client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
      );
    },
  };
}

/**
 * The template's database name; it is prepared when `datistemplate` says so, hence a worker that died in
 * the middle leaves nothing that others would clone. The session's advisory lock lets one worker in.
 */
async function prepareOnce(
  client: pg.Client,
  server: string,
  run: string,
  template: DatabaseTemplate,
): Promise<string> {
  if (!/^[a-z0-9_]{1,24}$/.test(template.name)) {
    throw new TypeError(
      `template name ${JSON.stringify(template.name)}: use a-z, 0-9, _, up to 24`,
    );
  }
  const name = `${run}_t_${template.name}`;
  await client.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
  try {
    const { rows } = await client.query<{ datistemplate: boolean }>(
      'SELECT datistemplate FROM pg_database WHERE datname = $1',
      [name],
    );
    if (rows[0]?.datistemplate) return name;
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    await template.prepare(databaseUrl(server, name));
    // A connected client would make CREATE DATABASE … TEMPLATE fail.
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await client.query(
      'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1',
      [name],
    );
    await client.query(`ALTER DATABASE ${name} IS_TEMPLATE true`);
    return name;
  } finally {
    await client.query('SELECT pg_advisory_unlock(hashtext($1))', [name]);
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
