import type { BusMessage } from '@ordermesh/contract';
import type { Publisher } from '@ordermesh/messaging';

/** A bus in memory that a test can hold up and break; the real one has tests of its own. */
export interface RecordingPublisher extends Publisher {
  /** What was acknowledged, repetitions included. */
  readonly acknowledged: readonly BusMessage[];
  /** Batches that were begun. */
  begun(): number;
  /** From now on a publish waits for the promise before it does anything, and rejects when that does. */
  hold(until: Promise<void>): void;
  /** True once disposed of. */
  isClosed(): boolean;
}

/** An empty bus, working. */
export function recordingPublisher(): RecordingPublisher {
  const acknowledged: BusMessage[] = [];
  let gate: Promise<void> = Promise.resolve();
  let begun = 0;
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => undefined); // heard by whoever publishes then
  let isClosed = false;
  return {
    acknowledged,
    begun: () => begun,
    hold(until) {
      gate = until;
      until.catch(() => undefined); // heard by whoever publishes
    },
    isClosed: () => isClosed,
    async open() {},
    async publish(messages) {
      begun++;
      await Promise.race([gate, closed.promise]);
      acknowledged.push(...messages);
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      closed.reject(new Error('the bus is closed'));
    },
  };
}
