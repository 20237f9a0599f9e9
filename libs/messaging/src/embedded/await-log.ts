import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, isPassing, query, sqlState } from '@ordermesh/postgres';

const everyMs = 250;

/**
 * Resolves when the log's database has the function that the embedded bus reads: on a first start the command service makes both, at the same time as
 * the consumers start. Waits for ever; being not ready says the rest.
 * @throws the signal's reason; any error of the database but its absence
 */
export async function awaitLog(logUrl: string, signal: AbortSignal): Promise<void> {
  const pool = createPool({ url: logUrl, max: 1, name: 'ordermesh-bus', onError: () => undefined });
  try {
    while (!(await hasFeed(pool, signal))) await sleep(everyMs, undefined, { signal });
  } finally {
    await pool.end();
  }
}

async function hasFeed(pool: ReturnType<typeof createPool>, signal: AbortSignal): Promise<boolean> {
  const text = "SELECT to_regprocedure('read_feed(integer, bigint, integer)') IS NOT NULL AS found";
  try {
    return (await query<{ found: boolean }>(pool, { text }, signal)).rows[0]?.found ?? false;
  } catch (error) {
    signal.throwIfAborted();
    if (isPassing(error) || sqlState(error) === '3D000') return false; // no server yet, or no database
    throw error;
  }
}
