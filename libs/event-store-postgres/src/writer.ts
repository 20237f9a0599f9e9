import { createPool, type PoolOptions } from '@ordermesh/postgres';
import type { Pool } from 'pg';

/** Options of {@link createWriter}. */
export type WriterOptions = Omit<PoolOptions, 'max' | 'pipeline'>;

/**
 * The connection that appends, as a pool of one that replaces it when it broke. One, because the log's lock lets one append through at a time: a second one
 * would only wait in the server, and make the batches smaller. Directly to the server: behind a pooler nobody knows which process to fence.
 */
export function createWriter(options: WriterOptions): Pool {
  const settings = { default_transaction_isolation: 'read committed', ...options.settings };
  return createPool({ ...options, max: 1, pipeline: true, settings });
}
