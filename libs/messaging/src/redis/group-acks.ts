import type { Logger } from '@ordermesh/telemetry';
import type { Redis } from 'ioredis';
import type { Cursor } from '../leased/feed.ts';
import type { LeaseStore } from '../leased/lease-store.ts';
import type { EntryCounts } from './entry-counts.ts';
import { streamScript } from './redis-script.ts';
import { streamKey } from './redis-streams.ts';

/** How far a group is, as Redis is told: for `XINFO GROUPS`, and so that a stream keeps what the group still needs. */
export interface GroupAcks {
  /** To be told to Redis, soon and in the background. What it knows already is told every 5 s: it may have lost it. */
  committed(cursors: readonly Cursor[]): void;
  /** Where Redis knows the group to be. */
  told(partition: number): bigint | undefined;
  /** Resolves when Redis has been told everything, or cannot be. */
  settled(): Promise<void>;
}

/** What {@link groupAcks} needs. */
export interface GroupAcksOptions {
  readonly redis: Redis;
  readonly stream: string;
  readonly group: string;
  readonly counts: EntryCounts;
  /** How many positions a stream keeps at least. */
  readonly keep: number;
  readonly log: Logger;
}

const tellAgainMs = 5000;

const acknowledge = streamScript('acknowledge.lua');

/** Nothing is told yet. */
export function groupAcks(options: GroupAcksOptions): GroupAcks {
  const { redis, stream, group, counts, keep, log } = options;
  const waiting = new Map<number, bigint>();
  const told = new Map<number, { readonly position: bigint; readonly at: number }>();
  let running: Promise<void> | undefined;
  let isFailing = false;

  async function tell([partition, position]: readonly [number, bigint]): Promise<void> {
    const from = told.get(partition)?.position;
    const between = from === undefined ? undefined : counts.between(partition, from, position);
    const args = [group, String(position), String(from ?? ''), between ?? '', keep];
    await acknowledge(redis, streamKey(stream, partition), args);
    told.set(partition, { position, at: performance.now() });
  }

  async function tellAll(): Promise<void> {
    while (waiting.size > 0) {
      const some = [...waiting];
      waiting.clear();
      const outcomes = await Promise.allSettled(some.map(tell));
      const failed = outcomes.find(({ status }) => status === 'rejected');
      // Not tried again here: what is committed is said again with the next heartbeat.
      if (failed?.status === 'rejected' && !isFailing) {
        log.warn({ err: failed.reason }, 'Redis cannot be told how far the group is');
      }
      isFailing = failed !== undefined;
    }
    running = undefined;
  }

  return {
    committed(cursors) {
      const now = performance.now();
      for (const { partition, position } of cursors) {
        const last = told.get(partition);
        if (last?.position === position && now < last.at + tellAgainMs) continue;
        waiting.set(partition, position);
      }
      if (waiting.size > 0) running ??= tellAll();
    },
    told: (partition) => told.get(partition)?.position,
    settled: async () => running,
  };
}

/** The same leases; what their store has committed is passed on: only that may be dropped from the streams. */
export function acknowledging(leases: LeaseStore, acks: Pick<GroupAcks, 'committed'>): LeaseStore {
  return {
    ...leases,
    async tend(...heartbeat) {
      const tended = await leases.tend(...heartbeat);
      acks.committed(tended.leases);
      return tended;
    },
    async release(offset) {
      const isReleased = await leases.release(offset);
      if (isReleased) acks.committed([offset]);
      return isReleased;
    },
  };
}
