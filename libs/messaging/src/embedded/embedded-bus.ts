import { randomUUID } from 'node:crypto';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { createPool } from '@ordermesh/postgres';
import type { Bus, ConsumeOptions } from '../bus.ts';
import { leaseStore } from '../leased/lease-store.ts';
import { leasedConsumer } from '../leased/leased-consumer.ts';
import { processInSpans } from '../tracing.ts';
import { logFeed } from './log-feed.ts';

/** Options of {@link embeddedBus}. */
export interface EmbeddedBusOptions {
  /** The log's database, directly: a transaction pooler loses LISTEN. */
  readonly logUrl: string;
  /** The view's database, where ownership and offsets are kept; see `leaseMigrations`. */
  readonly viewUrl: string;
  /** How many partitions the log has. */
  readonly partitions: number;
  /** Partitions handled at the same time by one consumer. 4 by default. */
  readonly concurrency?: number;
  /** How often the log is looked at without a notification, ±25 %. 500 by default. */
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

/**
 * The log itself as the bus: consumers read it by position, woken by its notifications, with a slow poll as the safety net. Partitions are owned
 * by leases with a fencing epoch that each commit checks; live members of a group share them evenly. A killed member's partitions move when
 * its leases have expired, those of a disposed one within half a second. The read of a batch is its only round trip before the handler; offsets are
 * committed beside the next batch.
 *
 * Each consumer opens three to four connections: one to the view, one that listens and up to two that read the log.
 */
export function embeddedBus(options: EmbeddedBusOptions): Bus {
  const { logUrl, viewUrl, partitions } = options;
  const leaseMs = options.leaseMs ?? 10_000;
  return {
    consume({
      group,
      handler,
      replay = false,
      maxBatch = 256,
      idleEveryMs = 1000,
    }: ConsumeOptions) {
      const { concurrency = 4, pollEveryMs = 500, graceMs = 5000 } = options;
      const { replayAfterMs = 3_600_000 } = options;
      const pool = createPool({
        url: viewUrl,
        max: 1,
        name: 'ordermesh-bus-leases',
        // A heartbeat that hangs must fail while there is still time for another.
        statementTimeoutMs: Math.max(500, Math.min(5000, leaseMs / 4)),
        onError: () => undefined, // the next statement reports what matters
      });
      const tracing = { system: 'ordermesh_log', group, replay, replayAfterMs };
      // Of nobody's trace: what runs in the background for ever must not hang under whoever started it.
      return context.with(ROOT_CONTEXT, () =>
        leasedConsumer({
          group,
          handler,
          maxBatch,
          idleEveryMs,
          feed: logFeed(logUrl),
          leases: leaseStore({ pool, group, member: randomUUID(), partitions, leaseMs }),
          process: (batch) => processInSpans(handler, batch, tracing),
          concurrency,
          pollEveryMs,
          graceMs,
        }),
      );
    },
  };
}
