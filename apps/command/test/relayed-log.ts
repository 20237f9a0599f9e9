import { randomUUID } from 'node:crypto';
import { header } from '@ordermesh/contract';
import {
  createEventStore,
  openLog,
  type PostgresEventStore,
} from '@ordermesh/event-store-postgres';
import type { Recorder } from '@ordermesh/messaging/testing';
import { createPool } from '@ordermesh/postgres';
import { type AppProcess, eventually, startApp } from '@ordermesh/testing';
import { expect } from 'vitest';
import { appendEvents } from './append-events.ts';
import { logDatabase, partitions } from './serve-command.ts';

/** A log of its own, and command processes that relay it to a real bus. */
export interface RelayedLog extends AsyncDisposable {
  readonly store: PostgresEventStore;
  /** Starts a command process. */
  start(): AppProcess;
  /** What the one row of the relay says. */
  relay(): Promise<{ position: number; epoch: number; owner: string | null }>;
  /** Appends to ten orders until stopped, and says then how many events there are. */
  load(): { appended(): number; stop(): Promise<number> } & AsyncDisposable;
  /** Waits until the bus has delivered everything, and looks at the chain of each partition and the versions of each order. */
  expectWholeLog(seen: Recorder, total: number): Promise<void>;
}

export const patiently = { withinMs: 120_000 };

/** @param bus settings that choose it */
export async function relayedLog(bus: Readonly<Record<string, string>>): Promise<RelayedLog> {
  const database = await logDatabase();
  const pool = createPool({
    url: database.url,
    max: 4,
    name: 'test',
    onError: () => undefined,
  });
  await openLog(pool, partitions);
  const store = createEventStore({ pool, partitions });
  const relay: RelayedLog['relay'] = async () => {
    const { rows } = await pool.query('SELECT position::int, epoch::int, owner FROM relay');
    return rows[0] ?? { position: 0, epoch: 0, owner: null };
  };
  return {
    store,
    relay,
    start: () =>
      startApp(`${import.meta.dirname}/..`, {
        COMMAND_PORT: '0',
        COMMAND_ADMIN_PORT: '0',
        LOG_DATABASE_URL: database.url,
        TOKEN_KEY: '0123456789abcdef',
        ...bus,
      }),
    load() {
      let total = 0;
      let isStopped = false;
      const running = (async () => {
        const streamIds = Array.from({ length: 10 }, () => randomUUID());
        const streamIdOf = (n: number) => streamIds[(total + n) % 10] as string;
        for (; !isStopped; total += 5) await appendEvents(store, 5, 'OrderConfirmed', streamIdOf);
      })();
      const stop = async () => {
        isStopped = true;
        await running;
        return total;
      };
      return {
        appended: () => total,
        stop,
        [Symbol.asyncDispose]: async () => void (await stop()),
      };
    },
    async expectWholeLog(seen, total) {
      await eventually(async () => (await relay()).position === total, patiently);
      await eventually(() => seen.seen().size === total, patiently);
      const reached = new Map<number, bigint>();
      const versions = new Map<string, number>();
      for (const { partition, position, key, headers } of seen.messages()) {
        const last = reached.get(partition) ?? 0n;
        if (position <= last) continue; // published, or delivered, again
        expect(headers[header.prev]).toBe(String(last));
        reached.set(partition, position);
        const version = (versions.get(key) ?? 0) + 1;
        expect(headers[header.sequence]).toBe(String(version));
        versions.set(key, version);
      }
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}
