import { query, read } from '@ordermesh/postgres';
import { StartupError } from '@ordermesh/service';
import type { Pool } from 'pg';

/** What is fixed with a log when it is made. */
export interface Log {
  /** UUID. Another id is another log, even with the same positions. */
  readonly logId: string;
  /** How many partitions its events are spread over. */
  readonly partitions: number;
}

/**
 * Opens the log; the first start makes it. Any number of processes may do so at the same time.
 * @throws StartupError naming `PARTITIONS` when the log was made with another number: an order's events would change their partition midway
 */
export async function openLog(pool: Pool, partitions: number, signal?: AbortSignal): Promise<Log> {
  const log = (await find(pool, signal)) ?? (await create(pool, partitions, signal));
  if (log.partitions !== partitions) {
    throw new StartupError([
      `PARTITIONS is ${partitions}, but this log was made with ${log.partitions} and keeps that number: set PARTITIONS=${log.partitions}`,
    ]);
  }
  return log;
}

async function create(pool: Pool, partitions: number, signal?: AbortSignal): Promise<Log> {
  const text = 'INSERT INTO log (partitions) VALUES ($1) ON CONFLICT (single) DO NOTHING';
  await query(pool, { text, values: [partitions] }, signal);
  const log = await find(pool, signal);
  if (log === undefined)
    throw new Error('the log has no row in table log, although one was just made');
  return log;
}

async function find(pool: Pool, signal?: AbortSignal): Promise<Log | undefined> {
  const { rows } = await read<Log>(
    pool,
    { text: 'SELECT log_id AS "logId", partitions FROM log' },
    signal,
  );
  return rows[0];
}
