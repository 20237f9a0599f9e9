import { eventStoreSuite } from '@ordermesh/event-sourcing/testing';
import { createPool } from '@ordermesh/postgres';
import { createEventStore } from './postgres-event-store.ts';
import { logDatabase } from './testing/log-database.ts';

const open = async () => {
  const database = await logDatabase();
  const pool = (max: number) => createPool({ url: database.url, max, name: 'test' });
  const pools = [pool(4), pool(4), pool(1)] as const;
  return {
    store: createEventStore({ pool: pools[0], partitions: 12 }),
    other: createEventStore({ pool: pools[1], writer: pools[2], partitions: 12 }),
    async damageSnapshots(text?: string) {
      const sql = text === undefined ? 'DELETE FROM snapshots' : 'UPDATE snapshots SET state = $1';
      await pools[0].query(sql, text === undefined ? [] : [text]);
    },
    async [Symbol.asyncDispose]() {
      for (const pool of pools) await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
};

eventStoreSuite('event store on PostgreSQL', open, {
  randomRuns: process.env.SOAK ? 1000 : 40,
});
