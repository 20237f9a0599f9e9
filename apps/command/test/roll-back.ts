import type { createPool } from '@ordermesh/postgres';
import type { TestDatabase } from '@ordermesh/testing';
import pg from 'pg';

/** Takes the events behind a position out of the log, which only the tables' owner can: with the trigger that refuses it switched off. */
export async function dropEvents(
  pool: ReturnType<typeof createPool>,
  after: number,
): Promise<void> {
  await pool.query(`
    BEGIN;
    ALTER TABLE events DISABLE TRIGGER append_only;
    DELETE FROM events WHERE position > ${after};
    ALTER TABLE events ENABLE TRIGGER append_only;
    COMMIT`);
}

/** A copy of a database that nobody is connected to. */
export interface Backup {
  /** Puts it in the place of the database, under whoever is connected. Once. */
  restore(): Promise<void>;
}

/** Makes it; the name begins like the run's own databases, so that the run drops it. */
export async function backUp({ url }: TestDatabase): Promise<Backup> {
  const name = new URL(url).pathname.slice(1);
  const [copy, lost] = [`${name}_copy`, `${name}_lost`];
  await asAdmin(url, [`CREATE DATABASE ${copy} TEMPLATE ${name}`]);
  return {
    restore: () =>
      asAdmin(url, [
        `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${name}'`,
        `ALTER DATABASE ${name} RENAME TO ${lost}`,
        `ALTER DATABASE ${copy} RENAME TO ${name}`,
        `DROP DATABASE ${lost}`,
      ]),
  };
}

async function asAdmin(url: string, statements: readonly string[]): Promise<void> {
  const server = new URL(url);
  server.pathname = '/postgres';
  const client = new pg.Client({ connectionString: server.href });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
