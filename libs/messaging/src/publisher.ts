import type { BusMessage, LogRow } from '@ordermesh/contract';

/**
 * Puts the log's events on a bus. One caller at a time: the relay that leads.
 *
 * Guarantees, the same for every adapter:
 * - **At least once**: {@link publish} resolves when the bus has every message durably. After a rejection nobody knows which of them it has, and
 *   all have to be published again; consumers drop what they had (position ≤ checkpoint).
 * - **Order**: the messages of a partition are put on the bus in the order given. Repetitions start at an earlier message and go on in order.
 *
 * Disposing ends the connection; a publish in flight rejects.
 */
export interface Publisher extends AsyncDisposable {
  /**
   * Connects and looks whether the bus fits; {@link publish} does so by itself, so this is for finding out early.
   * @throws StartupError when the bus has another number of partitions; else the client's error
   */
  open(): Promise<void>;
  /**
   * @param messages of one read of the log, in the order of their positions
   * @throws as {@link open}, and the client's error when the bus does not take them
   */
  publish(messages: readonly BusMessage[]): Promise<void>;
  /**
   * Of a bus that may lose what it acknowledged: looks whether it has lost something, and publishes that again. To be called when it was opened, and
   * every now and then, because a loss need not break the connection and nothing new need come.
   * @param reached for each partition, from 0, the position of the last message that the bus has acknowledged
   * @throws what `read` throws, and as {@link publish}
   */
  restore?(reached: readonly bigint[], read: ReadPartition): Promise<void>;
}

/** Reads the log: rows of a partition behind a position in order, fewer than `limit` only when there are no more. */
export type ReadPartition = (
  partition: number,
  after: bigint,
  limit: number,
) => Promise<readonly LogRow[]>;
