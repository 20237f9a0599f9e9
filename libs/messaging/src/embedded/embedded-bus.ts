import type { Bus } from '../bus.ts';
import { type LeasedBusOptions, leasedBus } from '../leased/leased-bus.ts';
import { logFeed } from './log-feed.ts';

/** Options of {@link embeddedBus}. */
export interface EmbeddedBusOptions extends LeasedBusOptions {
  /** The log's database, directly: a transaction pooler loses LISTEN. */
  readonly logUrl: string;
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
  return leasedBus('ordermesh_log', options, (_, leases) => ({
    feed: logFeed(options.logUrl),
    leases,
  }));
}
