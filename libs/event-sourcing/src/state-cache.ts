import { LRUCache } from 'lru-cache';
import { estimateBytes } from './estimate-bytes.ts';

/** A state as one process knows it: what the stream held at that version, now or some time ago. */
export interface KnownState<State> {
  readonly state: State;
  /** 1..n. */
  readonly version: number;
  /** Of the newest snapshot that is known to be stored or on its way, 0 if there is none. */
  readonly snapshotVersion: number;
}

/**
 * Folded states in memory, the least recently used dropped first. An entry is true but may be old: another process may have moved the stream. So the cache may
 * lead to an append, which compares the version, but never to a refusal. That there is no stream is never kept.
 */
export interface StateCache<State> {
  get(streamId: string): KnownState<State> | undefined;
  /** Keeps a state, unless a newer one is there: a slow command never puts an older state over a faster one's. */
  put(streamId: string, known: KnownState<State>): void;
  /**
   * Forgets a stream.
   * @param below only if the entry is older than this version
   */
  evict(streamId: string, below?: number): void;
  /** Forgets everything: the log may not be the one that the states came from. */
  clear(): void;
  /** Grows with each {@link clear}. What was begun under another one must not be kept: it may go back to a state of another log. */
  generation(): number;
}

/** Key, and what the cache itself needs for an entry. */
const entryBytes = 256;

/**
 * @param maxBytes bound of the whole cache, by the estimate of {@link estimateBytes} and 256 bytes per entry; 0 keeps nothing. A state that alone is larger is
 * not kept.
 */
export function stateCache<State>(maxBytes: number): StateCache<State> {
  if (maxBytes === 0) {
    const nothing = { get: () => undefined, put: () => {}, evict: () => {}, clear: () => {} };
    return { ...nothing, generation: () => 0 };
  }
  const entries = new LRUCache<string, KnownState<State>>({ maxSize: maxBytes });
  let generation = 0;
  return {
    get: (streamId) => entries.get(streamId),
    put(streamId, known) {
      const present = entries.peek(streamId);
      if (present !== undefined && present.version > known.version) return;
      entries.set(streamId, known, { size: entryBytes + estimateBytes(known.state) });
    },
    evict(streamId, below = Number.POSITIVE_INFINITY) {
      const present = entries.peek(streamId);
      if (present !== undefined && present.version < below) entries.delete(streamId);
    },
    clear() {
      entries.clear();
      generation++;
    },
    generation: () => generation,
  };
}
