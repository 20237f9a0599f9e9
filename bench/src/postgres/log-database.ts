import { logMigrations } from '@ordermesh/event-store-postgres';
import { databaseOf, migrate } from '@ordermesh/postgres';

/** Partitions of every log that is measured: the default. */
export const partitions = 12;

/** Gives a database the log's schema if it has none. */
export async function makeLog(url: string): Promise<void> {
  const database = databaseOf(url) ?? '';
  await migrate({ url, directory: logMigrations, database }, AbortSignal.timeout(30_000));
}
