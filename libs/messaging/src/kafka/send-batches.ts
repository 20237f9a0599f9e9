import type { BusMessage } from '@ordermesh/contract';
import { kafkaBytes } from './kafka-message.ts';

/** Most messages of one send: beyond 500 nothing is gained (36–47k messages/s of 300 bytes either way). */
export const maxMessages = 500;
/** Most bytes of one partition in one send: they become one record batch, and a broker takes 1 MiB of it by default. */
export const maxPartitionBytes = 512 * 1024;

/** Cuts messages into consecutive runs, each small enough for one send; a message that is too large by itself goes alone. */
export function* sendBatches(messages: readonly BusMessage[]): Generator<readonly BusMessage[]> {
  let run: BusMessage[] = [];
  let bytes = new Map<number, number>();
  for (const message of messages) {
    const size = kafkaBytes(message);
    const before = bytes.get(message.partition) ?? 0;
    if (run.length === maxMessages || (before > 0 && before + size > maxPartitionBytes)) {
      yield run;
      run = [];
      bytes = new Map();
    }
    run.push(message);
    bytes.set(message.partition, (bytes.get(message.partition) ?? 0) + size);
  }
  if (run.length > 0) yield run;
}
