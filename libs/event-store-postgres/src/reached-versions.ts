/** Which versions streams are known to have reached. A stream never goes back, so what was seen once stays true, on the connection that saw it. */
export interface ReachedVersions {
  /** False: not known. */
  has(streamId: string, version: number): boolean;
  add(streamId: string, version: number): void;
}

/**
 * Remembers nothing yet.
 * @param capacity of streams; those that were added last are kept, and as many older ones at most, about 150 bytes each
 */
export function reachedVersions(capacity = 10_000): ReachedVersions {
  // Two generations instead of an order of use: no bookkeeping per look.
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  return {
    has: (streamId, version) => (young.get(streamId) ?? old.get(streamId) ?? -1) >= version,
    add(streamId, version) {
      if (young.size >= capacity && !young.has(streamId)) [young, old] = [new Map(), young];
      young.set(streamId, version);
    },
  };
}
