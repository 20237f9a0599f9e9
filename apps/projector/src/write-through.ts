import {
  type CacheWrites,
  cacheWrites,
  type OrderViewWriter,
  redisViewCache,
  viewOrigin,
} from '@ordermesh/read-model';
import { type Policy, policy } from '@ordermesh/resilience';
import { logger } from '@ordermesh/telemetry';

const log = logger('cache');

/**
 * A store whose views go on into the cache once they are written, enrichment included. Nobody waits for the cache, and its failures are its own: the store's
 * outcome is the write's. Disposing disposes the store only.
 */
export function writeThrough(views: OrderViewWriter, cache: CacheWrites): OrderViewWriter {
  return {
    ...views,
    async write(batch) {
      await views.write(batch);
      cache.put(batch.orders);
    },
    async writeEnrichment(orders) {
      await views.writeEnrichment(orders);
      cache.put(orders);
    },
  };
}

/** The cache's Redis, and what protects it and its callers from each other. */
export interface CacheServer {
  readonly url: string;
  readonly guard: Policy;
}

/**
 * Writes take `timeoutMs` at most and, after three failures in a row, are tried once a second until it is back.
 * @param timeoutMs 100 by default
 */
export const guardedRedis = (url: string, timeoutMs = 100): CacheServer => ({
  url,
  guard: policy({
    name: 'redis',
    timeoutMs,
    failureThreshold: 3,
    openMs: 1_000,
    maxConcurrent: 32, // batches of up to 500 views
  }),
});

/**
 * The cache in Redis. Undefined without a server.
 * @param viewUrl database of the views
 */
export async function redisCacheWrites(
  server: CacheServer | undefined,
  viewUrl: string,
): Promise<CacheWrites | undefined> {
  if (server === undefined) return undefined;
  const { url, guard } = server;
  const name = 'ordermesh-projector';
  const onError = (err: unknown) => log.warn({ err }, 'Redis is away; views are not cached');
  const origin = await viewOrigin(viewUrl, name);
  const cache = redisViewCache({ url, origin, name, onError });
  const writes = cacheWrites(cache, (write) => guard.execute(({ signal }) => write(signal)));
  return {
    put: writes.put,
    async [Symbol.asyncDispose]() {
      await writes[Symbol.asyncDispose]();
      await cache[Symbol.asyncDispose]();
    },
  };
}
