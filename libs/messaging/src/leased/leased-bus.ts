import { randomUUID } from 'node:crypto';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { createPool } from '@ordermesh/postgres';
import type { Bus, ConsumeOptions } from '../bus.ts';
import { processInSpans } from '../tracing.ts';
import type { Feed } from './feed.ts';
import { type LeaseStore, leaseStore } from './lease-store.ts';
import { leasedConsumer } from './leased-consumer.ts';

/** What every bus of leased consumers can be told. */
export interface LeasedBusOptions {
  /** The view's database, where ownership and offsets are kept; see `leaseMigrations`. */
  readonly viewUrl: string;
  /** How many partitions the log has. */
  readonly partitions: number;
  /** Partitions handled at the same time by one consumer. 4 by default. */
  readonly concurrency?: number;
  /** How often the bus is looked at without a notification, ±25 %. 500 by default. */
  readonly pollEveryMs?: number;
  /**
   * How long a partition stays with a consumer that is not heard of. 10,000 by default. Shorter moves the partitions of a killed process
   * sooner, and those of a process that was only slow, too.
   */
  readonly leaseMs?: number;
  /** How long running batches may go on when the consumer is disposed of, before their signal fires. 5000 by default. */
  readonly graceMs?: number;
  /** Events older than this do not continue the trace that created them. An hour by default. */
  readonly replayAfterMs?: number;
}

/** What one consumer reads, and the leases it does so under. */
export interface LeasedSource {
  readonly feed: Feed;
  readonly leases: LeaseStore;
}

/**
 * A bus of {@link leasedConsumer}s.
 * @param system `messaging.system.name` of its spans
 * @param source opens what a consumer of the group reads; `leases` are to be passed on. What it rejects with, `consume` does
 */
export function leasedBus(
  system: string,
  options: LeasedBusOptions,
  source: (group: string, leases: LeaseStore) => LeasedSource | Promise<LeasedSource>,
): Bus {
  const { viewUrl, partitions, leaseMs = 10_000 } = options;
  const { concurrency = 4, pollEveryMs = 500, graceMs = 5000 } = options;
  const { replayAfterMs = 3_600_000 } = options;

  async function open(group: string): Promise<LeasedSource> {
    const pool = createPool({
      url: viewUrl,
      max: 1,
      name: 'ordermesh-bus-leases',
      // A heartbeat that hangs must fail while there is still time for another.
      statementTimeoutMs: Math.max(500, Math.min(5000, leaseMs / 4)),
      onError: () => undefined, // the next statement reports what matters
    });
    const leases = leaseStore({ pool, group, member: randomUUID(), partitions, leaseMs });
    try {
      return await source(group, leases);
    } catch (error) {
      await leases[Symbol.asyncDispose]();
      throw error;
    }
  }

  return {
    consume({
      group,
      handler,
      replay = false,
      maxBatch = 256,
      idleEveryMs = 1000,
    }: ConsumeOptions) {
      const tracing = { system, group, replay, replayAfterMs };
      // Of nobody's trace: what runs in the background for ever must not hang under whoever started it.
      return context.with(ROOT_CONTEXT, async () =>
        leasedConsumer({
          ...(await open(group)),
          group,
          handler,
          maxBatch,
          idleEveryMs,
          process: (batch) => processInSpans(handler, batch, tracing),
          concurrency,
          pollEveryMs,
          graceMs,
        }),
      );
    },
  };
}
