import type { BusMessage } from '@ordermesh/contract';
import type { Batch, BatchHandler } from '../bus.ts';

/** Notes what consumers are called with, and whether the calls keep the port's promises. */
export interface Recorder {
  /** A handler that records; several of them, one for each consumer, may share the recorder. */
  handler(consumer: string, overrides?: RecorderOverrides): BatchHandler;
  /** Everything whose batch resolved, in that order, repetitions included. */
  messages(): readonly BusMessage[];
  /** Positions of a partition as {@link messages} has them, each at its first appearance. */
  positionsOf(partition: number): readonly bigint[];
  /** Positions seen, over all partitions. */
  seen(): ReadonlySet<bigint>;
  /** Batches that were begun, rejected ones included: `[partition, positions]`. */
  attempts(): readonly (readonly [partition: number, positions: readonly bigint[]])[];
  /** Broken promises, in words; empty is good. */
  violations(): readonly string[];
}

/** What a test does inside the calls; the recording goes on around it. */
export interface RecorderOverrides {
  batch?(batch: Batch): Promise<void>;
  idle?(partition: number, signal: AbortSignal): Promise<void>;
}

/** An empty recorder. */
export function recorder(): Recorder {
  const messages: BusMessage[] = [];
  const attempts: [number, bigint[]][] = [];
  const violations: string[] = [];
  const owners = new Map<number, string>();
  const busy = new Map<number, string>();

  async function exclusively(what: string, partition: number, work: () => Promise<void>) {
    const other = busy.get(partition);
    if (other !== undefined) violations.push(`${what} while ${other} ran`);
    busy.set(partition, what);
    try {
      await work();
    } finally {
      busy.delete(partition);
    }
  }

  function handler(consumer: string, overrides: RecorderOverrides = {}): BatchHandler {
    const call = (name: string, partition: number) => `${consumer}.${name}(${partition})`;
    const requireOwner = (name: string, partition: number) => {
      const owner = owners.get(partition);
      if (owner !== consumer) violations.push(`${call(name, partition)}, owner is ${owner}`);
    };
    const { batch: onBatch, idle: onIdle } = overrides;
    return {
      async assigned(partition) {
        const owner = owners.get(partition);
        if (owner !== undefined)
          violations.push(`${call('assigned', partition)} before ${owner} let go`);
        owners.set(partition, consumer);
      },
      async batch(batch) {
        const { partition } = batch;
        requireOwner('batch', partition);
        attempts.push([partition, batch.messages.map((message) => message.position)]);
        await exclusively(call('batch', partition), partition, async () => {
          await onBatch?.(batch);
          messages.push(...batch.messages);
        });
      },
      ...(onIdle && {
        async idle(partition: number, signal: AbortSignal) {
          requireOwner('idle', partition);
          await exclusively(call('idle', partition), partition, () => onIdle(partition, signal));
        },
      }),
      async revoked(partition) {
        requireOwner('revoked', partition);
        await exclusively(call('revoked', partition), partition, async () => {
          owners.delete(partition);
        });
      },
    };
  }

  return {
    handler,
    messages: () => messages,
    positionsOf: (partition) => [
      ...new Set(messages.filter((one) => one.partition === partition).map((one) => one.position)),
    ],
    seen: () => new Set(messages.map((message) => message.position)),
    attempts: () => attempts,
    violations: () => violations,
  };
}
