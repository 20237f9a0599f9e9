import { createPool, type PoolOptions } from '@ordermesh/postgres';
import type { Pool } from 'pg';

/** Options of {@link createReader}. */
export type ReaderOptions = Omit<PoolOptions, 'pipeline'>;

/**
 * Connections for all but appending. What is read of the log is found by one index whatever is asked for, so plans are made once for all parameters: once the
 * tables are analysed, plans made anew for each look cheaper to PostgreSQL, and take as long as what they find (0.1 to 0.2 ms).
 */
export function createReader(options: ReaderOptions): Pool {
  const settings = { plan_cache_mode: 'force_generic_plan', ...options.settings };
  return createPool({ ...options, settings });
}

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
