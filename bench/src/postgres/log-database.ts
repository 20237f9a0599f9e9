import { logMigrations, openLog } from '@ordermesh/event-store-postgres';
import { createPool, databaseOf, migrate } from '@ordermesh/postgres';

/** Partitions of every log that is measured: the default. */
export const partitions = 12;

/** Gives a database the log's schema, and its one log, if it has none. */
export async function makeLog(url: string): Promise<void> {
  const database = databaseOf(url) ?? '';
  await migrate({ url, directory: logMigrations, database }, AbortSignal.timeout(30_000));
  const pool = createPool({ url, max: 1, name: 'bench' });
  try {
    await openLog(pool, partitions);
  } finally {
    await pool.end();
  }
}
