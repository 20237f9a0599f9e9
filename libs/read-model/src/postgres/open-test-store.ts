import { databaseOf, migrate } from '@ordermesh/postgres';
import { eventually, testDatabase } from '@ordermesh/testing';
import pg from 'pg';
import type { ViewStore } from '../testing/view-store.ts';
import { postgresViewMigrations } from './migrations.ts';
import { postgresViewNotifier } from './notifier.ts';
import { postgresViewReader } from './reader.ts';
import { postgresViewWriter } from './writer.ts';

/** A store of views in a database of its own, with plain SQL for what the ports do not show. */
export interface PostgresTestStore extends ViewStore {
  readonly url: string;
  sql<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
}

/** Opens a store on the test run's server. */
export async function openPostgresStore(): Promise<PostgresTestStore> {
  const database = await testDatabase({
    name: 'order_view',
    prepare: async (url) => {
      const options = { url, database: databaseOf(url) ?? '', ...postgresViewMigrations };
      await migrate(options, AbortSignal.timeout(60_000));
    },
  });
  const { url } = database;
  const ignore = () => undefined; // the tests cut connections
  const writer = postgresViewWriter({ url, max: 6, name: 'test-writer', onError: ignore });
  const reader = postgresViewReader({ url, max: 4, name: 'test-reader', onError: ignore });
  const client = new pg.Client(url);
  await client.connect();
  const sql = async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await client.query<R>(text, values)).rows;
  return {
    url,
    writer,
    reader,
    sql,
    notifier: (pollMs) => postgresViewNotifier({ url, reader, pollMs, onError: ignore }),
    settle: async () => undefined,
    async cutNotifiers() {
      const cut = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'ordermesh-listen-%'`;
      await eventually(async () => (await sql(cut)).length > 0);
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await writer[Symbol.asyncDispose]();
      await reader[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
