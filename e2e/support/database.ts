import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@ordermesh/testing';
import pg from 'pg';

/** The databases of the mesh. */
export type DatabaseName = 'ordermesh_log' | 'ordermesh_view' | 'ordermesh_customer';

/** The embedded PostgreSQL of a data folder, as its own `postmaster.pid` describes it. */
export function postmaster(dataDir: string): { readonly pid: number; readonly port: number } {
  const file = readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n');
  return { pid: Number(file[0]), port: Number(file[3]) };
}

/** Runs `work` with a connection of its own to the embedded PostgreSQL. */
export async function withDatabase<T>(
  dataDir: string,
  database: DatabaseName | 'postgres',
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connected(dataDir, database);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The rows of one statement. */
export async function rowsOf<Row extends pg.QueryResultRow>(
  dataDir: string,
  database: DatabaseName,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return withDatabase(dataDir, database, async (client) => {
    return (await client.query<Row>(text, [...values])).rows;
  });
}

/** A table that nobody can read or write until disposed: whatever needs it waits in the server. */
export interface HeldTable extends AsyncDisposable {
  /** Resolves when `count` statements of the process `ordermesh-<name>` wait. */
  waiting(name: string, count: number): Promise<void>;
  /** Resolves when none of them waits any more; rejects after 4 s, before the server would end them by their `lock_timeout` of 5 s. */
  left(name: string): Promise<void>;
}

/** Locks a table against everyone. */
export async function holdTable(
  dataDir: string,
  database: DatabaseName,
  table: string,
): Promise<HeldTable> {
  const client = await connected(dataDir, database);
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  const text = `SELECT count(*)::integer AS waiting FROM pg_stat_activity
    WHERE datname = $1 AND application_name = $2 AND wait_event_type = 'Lock'`;
  const waiting = async (name: string) => {
    await client.query('SELECT pg_stat_clear_snapshot()'); // a transaction would see the first look for ever
    const { rows } = await client.query<{ waiting: number }>(text, [database, `ordermesh-${name}`]);
    // biome-ignore lint/style/noNonNullAssertion: an aggregate has one row
    return rows[0]!.waiting;
  };
  let held = true;
  return {
    async waiting(name, count) {
      await eventually(async () => (await waiting(name)) >= count);
    },
    async left(name) {
      await eventually(async () => (await waiting(name)) === 0, { withinMs: 4_000 });
    },
    async [Symbol.asyncDispose]() {
      if (!held) return;
      held = false;
      await client.end(); // ends the transaction, and with it the lock
    },
  };
}

/** The databases refuse every connection, those that exist included, until disposed; the server itself goes on. */
export async function databasesGone(dataDir: string): Promise<AsyncDisposable> {
  const names: DatabaseName[] = ['ordermesh_log', 'ordermesh_view', 'ordermesh_customer'];
  const allow = (connections: boolean) =>
    withDatabase(dataDir, 'postgres', async (client) => {
      for (const name of names)
        await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${connections}`);
      if (connections) return;
      const text =
        'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = ANY ($1)';
      await client.query(text, [names]);
    });
  await allow(false);
  return { [Symbol.asyncDispose]: () => allow(true) };
}

async function connected(dataDir: string, database: string): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: postmaster(dataDir).port,
    user: 'postgres',
    database,
    application_name: 'ordermesh-e2e',
  });
  client.on('error', () => undefined); // what is in flight rejects anyway
  await client.connect();
  return client;
}
