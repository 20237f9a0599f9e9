import { setImmediate as nextTurn } from 'node:timers/promises';
import { logger } from '@ordermesh/telemetry';
import type { EventStore } from './event-store.ts';
import { loadMetrics } from './load-metrics.ts';
import type { KnownState } from './state-cache.ts';
import type { StateCodec } from './state-codec.ts';

/** Takes snapshots in the background: no command waits for one, and none fails because of one. */
export interface Snapshots<State> extends AsyncDisposable {
  readonly codec: StateCodec<State>;
  /**
   * Queues a snapshot if one is due: `every` events or more after the last one.
   * @returns the version of the newest snapshot that is stored or on its way
   */
  offer(streamId: string, known: KnownState<State>): number;
  /** Resolves when nothing is queued or being written. */
  idle(): Promise<void>;
}

/** Options of {@link snapshots}. */
export interface SnapshotsOptions<State> {
  readonly store: Pick<EventStore, 'saveSnapshot'>;
  readonly codec: StateCodec<State>;
  /** Events between two snapshots of a stream, at least 1. */
  readonly every: number;
  /**
   * Streams that may wait at once, 256 by default. One more is dropped, and offered again by its next command: snapshots only save time, and while the store is
   * slower than commands make them due, memory must not grow.
   */
  readonly maxQueued?: number;
}

const log = logger('snapshots');

/**
 * Starts with an empty queue; writes one at a time, on one connection, the newest state of each stream. Disposing waits for the one being written and drops the rest: the
 * next load that folds `every` events offers again.
 */
export function snapshots<State>({
  store,
  codec,
  every,
  maxQueued = 256,
}: SnapshotsOptions<State>): Snapshots<State> {
  const queue = new Map<string, KnownState<State>>();
  let writing: Promise<void> | undefined;
  let stopped = false;

  const write = async () => {
    await nextTurn(); // the command that made it due is answered first
    for (const [streamId, { state, version }] of queue) {
      queue.delete(streamId);
      try {
        const text = codec.encode(state);
        await store.saveSnapshot({ streamId, version, schemaHash: codec.schemaHash, state: text });
        loadMetrics.snapshotWrites.add(1, { outcome: 'stored' });
      } catch (err) {
        loadMetrics.snapshotWrites.add(1, { outcome: 'failed' });
        log.warn({ err, streamId, version }, 'a snapshot could not be taken');
      }
    }
    writing = undefined;
  };

  const drop = (count: number) => {
    if (count > 0) loadMetrics.snapshotWrites.add(count, { outcome: 'dropped' });
  };

  return {
    codec,
    offer(streamId, known) {
      if (known.version - known.snapshotVersion < every) return known.snapshotVersion;
      const queued = queue.get(streamId);
      if (queued !== undefined && queued.version >= known.version) return queued.version;
      if (stopped || (queued === undefined && queue.size >= maxQueued)) {
        drop(1);
        return known.snapshotVersion;
      }
      queue.set(streamId, known);
      writing ??= write();
      return known.version;
    },
    async idle() {
      while (writing !== undefined) await writing;
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      drop(queue.size);
      queue.clear();
      await writing;
    },
  };
}
