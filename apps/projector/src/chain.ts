import { type BusMessage, header, isUnplaced } from '@ordermesh/contract';

/** Reads what the bus did not deliver: messages of a partition after a position, oldest first; none when there are no more. */
export type ReadStretch = (
  partition: number,
  after: bigint,
  signal: AbortSignal,
) => Promise<readonly BusMessage[]>;

/**
 * Makes a delivery whole: drops what is at or before the checkpoint, and reads from the log what is missing in front of each message. Each
 * message names the position of the one before it (`ordermesh-prev`), so one rule covers sends that a client lost, retention, trimming, new
 * topics, new groups and rebuilds; without it the loss of an order's last event would stay invisible.
 * Yields runs of messages, in the order of their positions; in between what has no position, which is neither a duplicate nor a gap.
 * @throws what `readStretch` throws, and an Error when the log itself lacks the stretch
 */
export async function* wholeChain(
  messages: readonly BusMessage[],
  checkpoint: bigint,
  readStretch: ReadStretch,
  signal: AbortSignal,
): AsyncGenerator<readonly BusMessage[]> {
  let reached = checkpoint;
  let run: BusMessage[] = [];
  for (const message of messages) {
    if (isUnplaced(message)) {
      run.push(message);
      continue;
    }
    if (message.position <= reached) continue;
    const prev = previous(message, reached);
    if (prev > reached && run.length > 0) {
      yield run;
      run = [];
    }
    while (prev > reached) {
      const missing = (await readStretch(message.partition, reached, signal)).filter(
        ({ position }) => position > reached && position <= prev,
      );
      const last = missing.at(-1);
      if (last === undefined)
        throw new Error(
          `partition ${message.partition} lacks the events from ${reached} to ${prev}, on the bus and in the log`,
        );
      yield missing;
      reached = last.position;
    }
    run.push(message);
    reached = message.position;
  }
  if (run.length > 0) yield run;
}

// A header that cannot be read, or that names no earlier position, says nothing of what is in front of the message.
function previous({ headers, position }: BusMessage, reached: bigint): bigint {
  const text = headers[header.prev] ?? '';
  const prev = /^\d{1,19}$/.test(text) ? BigInt(text) : reached;
  return prev < position ? prev : reached;
}
