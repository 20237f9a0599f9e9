import { type BusMessage, type LogRow, toMessage } from '@ordermesh/contract';

/** Messages of one read, and the last position of each partition behind them. */
export interface NumberedChain {
  readonly messages: readonly BusMessage[];
  readonly partitionPositions: readonly bigint[];
}

/**
 * Makes messages of consecutive rows of the log; each names the position of the one before it in its partition, so that a consumer notices
 * what it missed. Pure.
 * @param before last position of each partition in front of the rows
 */
export function numberChain(rows: readonly LogRow[], before: readonly bigint[]): NumberedChain {
  const partitionPositions = [...before];
  const messages = rows.map((row) => {
    const prev = partitionPositions[row.partition] ?? 0n;
    partitionPositions[row.partition] = row.position;
    return toMessage(row, prev);
  });
  return { messages, partitionPositions };
}
