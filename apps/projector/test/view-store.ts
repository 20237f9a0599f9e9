import { leaseMigrations } from '@ordermesh/messaging';
import { createPool, migrate } from '@ordermesh/postgres';
import {
  type OrderViewReader,
  type OrderViewWriter,
  postgresViewMigrations,
  postgresViewReader,
  postgresViewWriter,
} from '@ordermesh/read-model';
import { type TestDatabase, testDatabase } from '@ordermesh/testing';

/** A database of views and bus offsets, as a projector uses it. */
export interface ViewStore extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly writer: OrderViewWriter;
  readonly reader: OrderViewReader;
  /** Rows of any statement. */
  rows(text: string): Promise<readonly Record<string, unknown>[]>;
}

/** Makes it. */
export async function viewStore(): Promise<ViewStore> {
  const database = await testDatabase({
    name: 'projector_view',
    async prepare(url) {
      const target = { url, database: new URL(url).pathname.slice(1) };
      const signal = AbortSignal.timeout(30_000);
      await migrate({ ...target, ...postgresViewMigrations }, signal);
      await migrate({ ...target, ...leaseMigrations }, signal);
    },
  });
  const options = { url: database.url, max: 4, onError: () => undefined }; // tests cut connections
  const writer = postgresViewWriter({ ...options, name: 'test-writer' });
  const reader = postgresViewReader({ ...options, name: 'test-reader' });
  const pool = createPool({ ...options, name: 'test' });
  return {
    database,
    writer,
    reader,
    rows: async (text) => (await pool.query(text)).rows,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await writer[Symbol.asyncDispose]();
      await reader[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
