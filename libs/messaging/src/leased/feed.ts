import type { BusMessage } from '@ordermesh/contract';

/** Where a leased consumer reads from: partitions that can be read after any position. */
export interface Feed extends AsyncDisposable {
  /**
   * The next messages of a partition in order, fewer than `limit` only when there are no more.
   * @param after position of the last message the caller has; header `ordermesh-prev` of the first one says the same
   */
  read(
    partition: number,
    after: bigint,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly BusMessage[]>;
  /** Which partitions hold more than the caller has, asked in one round trip. */
  touched(after: readonly Cursor[]): Promise<readonly number[]>;
  /** How many messages lie behind each cursor, `limit` at most. Costs as much as it counts. */
  count(after: readonly Cursor[], limit: number): Promise<ReadonlyMap<number, number>>;
  /** Starts to report what is new, until disposed of. `onTouched(undefined)` means: something may have been missed, look everywhere. */
  watch(onTouched: (touched: readonly Cursor[] | undefined) => void): AsyncDisposable;
}

/** A place in a partition. */
export interface Cursor {
  readonly partition: number;
  readonly position: bigint;
}
