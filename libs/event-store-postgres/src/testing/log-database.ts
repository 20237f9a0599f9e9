import { databaseOf, migrate } from '@ordermesh/postgres';
import { type TestDatabase, testDatabase } from '@ordermesh/testing';
import { logMigrations } from '../log-schema.ts';

/** A fresh database with the log's schema and nothing in it. */
export const logDatabase = (): Promise<TestDatabase> =>
  testDatabase({
    name: 'log',
    async prepare(url) {
      const database = databaseOf(url) ?? '';
      await migrate({ url, directory: logMigrations, database }, AbortSignal.timeout(30_000));
    },
  });
