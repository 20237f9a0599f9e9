import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@ordermesh/postgres';
import type { Logger } from '@ordermesh/telemetry';
import type { LeaseStore, Offset } from './lease-store.ts';

/** Least time between two commits, so that a stream of small batches does not cost a disk flush each. */
const commitEveryMs = 25;

/** Offsets on their way to the store, beside the batches: handling never waits for a commit. */
export interface OffsetCommits {
  /** To be committed: the first at once, the following together, at most every 25 ms, again and again until it works. */
  add(offset: Offset): void;
  /** Commits nothing more; resolves when the statement in flight has ended. */
  stop(): Promise<void>;
}

/** @param onRefused called for an offset whose partition has another owner by now */
export function offsetCommits(
  leases: Pick<LeaseStore, 'commit'>,
  onRefused: (offset: Offset) => void,
  log: Logger,
): OffsetCommits {
  const waiting = new Map<number, Offset>();
  const stopped = new AbortController();
  let running: Promise<void> | undefined;

  async function commitAll(): Promise<void> {
    for (let failures = 0; waiting.size > 0 && !stopped.signal.aborted; ) {
      const offsets = [...waiting.values()];
      waiting.clear();
      try {
        const accepted = await leases.commit(offsets);
        for (const offset of offsets) if (!accepted.has(offset.partition)) onRefused(offset);
        failures = 0;
      } catch (err) {
        if (failures++ === 0) log.warn({ err }, 'offsets cannot be committed');
        for (const offset of offsets) {
          if (!waiting.has(offset.partition)) waiting.set(offset.partition, offset);
        }
      }
      const pauseMs = failures === 0 ? commitEveryMs : backoffMs(failures, 100, 2000, Math.random);
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
    running = undefined;
  }

  return {
    add(offset) {
      waiting.set(offset.partition, offset);
      running ??= commitAll();
    },
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
