import { eventStoreSuite } from '@ordermesh/event-sourcing/testing';
import { createPool } from '@ordermesh/postgres';
import { createEventStore } from './postgres-event-store.ts';
import { logDatabase } from './testing/log-database.ts';

eventStoreSuite('event store on PostgreSQL', async () => {
  const database = await logDatabase();
  const open = (max: number) => createPool({ url: database.url, max, name: 'test' });
  const pools = [open(4), open(4), open(1)] as const;
  return {
    store: createEventStore({ pool: pools[0], partitions: 12 }),
    other: createEventStore({ pool: pools[1], writer: pools[2], partitions: 12 }),
    async [Symbol.asyncDispose]() {
      for (const pool of pools) await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
});
