import { logger } from '@ordermesh/telemetry';
import type { Bus } from '../bus.ts';
import { type LeasedBusOptions, leasedBus } from '../leased/leased-bus.ts';
import { destination } from '../tracing.ts';
import { entryCounts } from './entry-counts.ts';
import { acknowledging, groupAcks } from './group-acks.ts';
import { redisClient } from './redis-client.ts';
import { redisFeed } from './redis-feed.ts';
import { awaitRedis } from './redis-server.ts';

/** Options of {@link redisBus}. */
export interface RedisBusOptions extends LeasedBusOptions {
  /** `redis://host:port/database`, or `rediss://` */
  readonly url: string;
  /** What the streams' names begin with. `ordermesh.order.events.v1` by default. */
  readonly stream?: string;
  /** How many positions of the log the streams keep at least, also when all groups are done with them. 10,000 by default. */
  readonly keep?: number;
  /** How long the server is waited for. 30,000 by default. */
  readonly waitMs?: number;
}

/**
 * Streams of Redis as the bus, one for each partition, see {@link redisPublisher}. Each has one reader of a group at a time: partitions are owned by leases as on the
 * embedded bus, offsets are kept beside them, and a new owner begins there, with whatever its predecessor had not finished. Several readers of one
 * group of Redis's own would break the order of an order's events.
 *
 * Redis is told every group's committed offset, about twice a second: `XINFO GROUPS` shows its lag, and a stream drops what all groups are done with, never more. A group
 * that is gone for good holds the streams for ever: `XGROUP DESTROY <stream> <group>` on each of them ends that, and does no harm to one that lives,
 * which is back within 5 s. One that comes later begins with what is left, and finds by the chain what it has to read from the log.
 *
 * Each consumer opens three connections: one that waits for news, one that reads and acknowledges, one to the view.
 */
export function redisBus(options: RedisBusOptions): Bus {
  const { url, partitions, stream = destination, keep = 10_000, waitMs = 30_000 } = options;
  return leasedBus('redis', options, async (group, leases) => {
    const redis = redisClient(url, 'ordermesh-bus');
    try {
      await awaitRedis(redis, { stream, partitions }, waitMs);
    } catch (error) {
      redis.disconnect();
      throw error;
    }
    const log = logger('messaging').child({ group });
    const shared = { redis, stream, group, counts: entryCounts(), log };
    const acks = groupAcks({ ...shared, keep });
    const feed = redisFeed({ ...shared, url, partitions, acks });
    return { feed, leases: acknowledging(leases, acks) };
  });
}
