import type { StateCache } from '@ordermesh/event-sourcing';
import type { Pool } from 'pg';

/**
 * Empties the cache whenever a connection of the pools breaks while idle, and whenever one is made: it may be to another server, restored or failed over,
 * whose log lacks events that states in memory have. The first alone misses connections that broke at work, the second alone the command that connects.
 */
export function forgetOnConnect(
  pools: readonly Pool[],
  cache: Pick<StateCache<unknown>, 'clear'>,
): void {
  for (const pool of pools)
    pool.on('error', () => cache.clear()).on('connect', () => cache.clear());
}
