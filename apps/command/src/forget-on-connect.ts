import type { StateCache } from '@ordermesh/event-sourcing';
import type { Pool } from 'pg';

/**
 * Empties the cache whenever one of the pools connects: a new connection may be to another server, restored or failed over, whose log lacks events that
 * states in memory have. Whoever used the old server has to connect before he can use the new one, so nothing is missed, while a pool's `error` tells of idle connections only.
 * Connections last, so this is rare.
 */
export function forgetOnConnect(
  pools: readonly Pool[],
  cache: Pick<StateCache<unknown>, 'clear'>,
): void {
  for (const pool of pools) pool.on('connect', () => cache.clear());
}
