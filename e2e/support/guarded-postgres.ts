import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@ordermesh/engines';
import { withClient } from '@ordermesh/testing';

/** A PostgreSQL that asks everybody but its superuser for a password. */
export interface GuardedPostgres extends AsyncDisposable {
  /** The server as the role `shop`, which may do anything, with this password. */
  urlWith(password: string): string;
  /** Changes its password, and ends its connections. */
  setPassword(password: string): Promise<void>;
}

/** Starts one of its own: the embedded one of a test run trusts everybody. */
export async function startGuardedPostgres(password: string): Promise<GuardedPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'ordermesh-guarded-'));
  chmodSync(folder, 0o711); // root runs PostgreSQL as nobody, who has to pass through
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), unsafeFast: true });
  const run = (...statements: readonly string[]) =>
    withClient(server.url, async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  const { rows } = await withClient(server.url, (client) => client.query('SHOW hba_file'));
  const rules = [
    'host all postgres 127.0.0.1/32 trust',
    'host all all 127.0.0.1/32 scram-sha-256',
  ].map((rule) => `'${rule}'`);
  await run(
    `CREATE ROLE shop LOGIN SUPERUSER PASSWORD '${password}'`,
    `COPY (SELECT unnest(ARRAY[${rules}])) TO '${rows[0].hba_file}'`,
    'SELECT pg_reload_conf()',
  );
  return {
    urlWith: (given) => `postgres://shop:${given}@127.0.0.1:${server.port}/postgres`,
    setPassword: (next) =>
      run(
        `ALTER ROLE shop PASSWORD '${next}'`,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'shop'",
      ),
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
