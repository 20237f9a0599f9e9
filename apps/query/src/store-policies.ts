import { type Policy, policy } from '@ordermesh/resilience';

/** A server, and what protects it and its callers from each other. */
export interface Guarded {
  readonly url: string;
  readonly guard: Policy;
}

/** The policies of the stores; a store that is not used has none. */
export interface StorePolicies {
  readonly postgresql: Policy;
  readonly elasticsearch: Guarded | undefined;
  readonly redis: Guarded | undefined;
}

/** Made before the stores, which wait for their database: the admin port shows and holds circuits from the start. */
export function storePolicies(
  elasticsearchUrl: string | undefined,
  redisUrl: string | undefined,
): StorePolicies {
  return {
    postgresql: postgresqlPolicy(),
    elasticsearch: elasticsearchUrl ? guardedElasticsearch(elasticsearchUrl) : undefined,
    redis: redisUrl ? { url: redisUrl, guard: redisPolicy() } : undefined,
  };
}

/** Of lookups. One takes about 1 ms; with Elasticsearch's 800 ms the limit is less than the 2 s that callers wait by default. */
const postgresqlPolicy = () =>
  policy({
    name: 'postgresql',
    timeoutMs: 1_000,
    failureThreshold: 5,
    openMs: 1_000,
    maxConcurrent: 512,
  });

/** Less than half of the 2 s that callers wait by default: the rest is for PostgreSQL. */
export const guardedElasticsearch = (url: string): Guarded => ({
  url,
  guard: policy({
    name: 'elasticsearch',
    timeoutMs: 800,
    failureThreshold: 3,
    openMs: 2_000,
    maxConcurrent: 64,
  }),
});

/**
 * A cache that is slow is no cache.
 * @param timeoutMs longest time that a lookup waits for it, 50 by default
 */
export const redisPolicy = (timeoutMs = 50) =>
  policy({
    name: 'redis',
    timeoutMs,
    failureThreshold: 3,
    openMs: 1_000,
    maxConcurrent: 256,
  });
