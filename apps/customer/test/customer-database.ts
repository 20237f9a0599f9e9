import { migrate } from '@ordermesh/postgres';
import { type TestDatabase, testDatabase } from '@ordermesh/testing';

/** A fresh database with the customer table. */
export function customerDatabase(): Promise<TestDatabase> {
  return testDatabase({
    name: 'customer',
    async prepare(url) {
      const database = new URL(url).pathname.slice(1);
      const directory = `${import.meta.dirname}/../src/migrations`;
      await migrate({ url, directory, database }, new AbortController().signal);
    },
  });
}
