import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@ordermesh/postgres';
import type { Logger } from '@ordermesh/telemetry';
import { settledWithin } from '../settled-within.ts';

/** Least time between two commits, so that a stream of small batches does not cost a round trip each. */
const commitEveryMs = 25;
/** What the last commit of a generation may take; without it the last batches come again. */
const lastCommitMs = 1000;

/** The offsets of one generation of the group on their way to the broker, beside the batches: handling never waits for a commit. */
export interface GroupCommits {
  /** To be committed: the first at once, the following together, at most every 25 ms, again and again until it works. */
  add(partition: number, offset: bigint): void;
  /** Commits what waits, once and for a second at most, and takes nothing more. Never rejects. */
  end(): Promise<void>;
}

/** @param commit next offset to read, by partition */
export function groupCommits(
  commit: (offsets: ReadonlyMap<number, bigint>) => Promise<void>,
  log: Logger,
): GroupCommits {
  let waiting = new Map<number, bigint>();
  const ended = new AbortController();
  let running: Promise<void> | undefined;

  async function commitAll(): Promise<void> {
    for (let failures = 0; waiting.size > 0 && !ended.signal.aborted; ) {
      const offsets = waiting;
      waiting = new Map();
      try {
        await commit(offsets);
        failures = 0;
      } catch (err) {
        // Also when the group is about to be joined again: the membership's own heartbeat finds that out.
        if (failures++ === 0) log.debug({ err }, 'offsets cannot be committed');
        waiting = new Map([...offsets, ...waiting]);
      }
      const pauseMs = failures === 0 ? commitEveryMs : backoffMs(failures, 100, 2000, Math.random);
      await sleep(pauseMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
    running = undefined;
  }

  return {
    add(partition, offset) {
      if (ended.signal.aborted) return;
      waiting.set(partition, offset);
      running ??= commitAll();
    },
    async end() {
      ended.abort();
      const last = async () => {
        await running;
        if (waiting.size > 0) await commit(waiting);
      };
      await settledWithin(last(), lastCommitMs);
      waiting.clear();
    },
  };
}
