import type { BusMessage } from '@ordermesh/contract';
import type { BatchHandler } from '@ordermesh/messaging';
import { eventually } from '@ordermesh/testing';

/** A consumer that only looks. */
export interface Reader {
  readonly handler: BatchHandler;
  /** Resolves when so many messages have come. @throws when they have not within a minute, or came out of order or twice */
  reached(messages: number): Promise<void>;
}

/** @param onMessage is told of each */
export function reader(onMessage: (message: BusMessage) => void = () => {}): Reader {
  const last = new Map<number, bigint>();
  let count = 0;
  let disorder: string | undefined;
  return {
    handler: {
      assigned: async () => {},
      revoked: async () => {},
      async batch({ partition, messages }) {
        for (const message of messages) {
          const before = last.get(partition) ?? 0n;
          if (message.position <= before) disorder ??= `${message.position} after ${before}`;
          last.set(partition, message.position);
          count++;
          onMessage(message);
        }
      },
    },
    async reached(messages) {
      await eventually(() => count >= messages, { withinMs: 60_000, everyMs: 2 });
      if (disorder !== undefined || count !== messages)
        throw new Error(`the run is void: ${count} messages of ${messages}, ${disorder ?? ''}`);
    },
  };
}
