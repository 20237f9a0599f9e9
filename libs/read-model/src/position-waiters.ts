/** Calls that wait until a partition has got to a position. */
export interface PositionWaiters {
  /** Waits for `position` or more; rejects with the signal's reason. */
  wait(partition: number, position: bigint, signal: AbortSignal): Promise<void>;
  /** Resolves those who wait for `position` of this partition or less. */
  advance(partition: number, position: bigint): void;
  /** Partitions that somebody waits for. */
  partitions(): number[];
  /** Rejects everybody. */
  close(reason: Error): void;
  readonly size: number;
}

interface Waiter {
  readonly partition: number;
  readonly position: bigint;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** An empty set. Nothing of a call is left in it, nor on its signal, once the call has settled. */
export function positionWaiters(): PositionWaiters {
  const waiters = new Set<Waiter>();
  return {
    async wait(partition, position, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { partition, position, resolve, reject };
      const onAbort = () => reject(signal.reason);
      waiters.add(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await promise;
      } finally {
        waiters.delete(waiter);
        signal.removeEventListener('abort', onAbort);
      }
    },
    advance(partition, position) {
      for (const waiter of waiters)
        if (waiter.partition === partition && waiter.position <= position) waiter.resolve();
    },
    partitions: () => [...new Set(Array.from(waiters, (waiter) => waiter.partition))],
    close(reason) {
      for (const waiter of waiters) waiter.reject(reason);
    },
    get size() {
      return waiters.size;
    },
  };
}
