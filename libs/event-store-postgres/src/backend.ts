import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs, isPassing, query } from '@ordermesh/postgres';
import type { Pool, PoolClient } from 'pg';

/** The server's process behind a connection. */
export interface Backend {
  readonly pid: number;
  /** Tells it from a later process with the same pid. */
  readonly startedAt: string;
  /** Object id of the composite type `append_row`. */
  readonly rowType: number;
  /** So many batches are still judged command by command, before one is sent again as if nothing could be refused. */
  toJudge: number;
}

const known = new WeakMap<PoolClient, Promise<Backend>>();

/** Asks once per connection, however many ask at a time. */
export function backendOf(client: PoolClient): Promise<Backend> {
  const found = known.get(client);
  if (found !== undefined) return found;
  const asked = askBackend(client);
  known.set(client, asked);
  asked.catch(() => known.delete(client));
  return asked;
}

async function askBackend(client: PoolClient): Promise<Backend> {
  const { rows } = await client.query<Omit<Backend, 'toJudge'>>(`
    SELECT pid, backend_start::text AS "startedAt", 'append_row'::regtype::oid AS "rowType"
    FROM pg_stat_activity WHERE pid = pg_backend_pid()`);
  const [row] = rows;
  if (row === undefined) throw new Error('the server does not show its own process');
  return { ...row, toJudge: 0 };
}

/**
 * Resolves when a backend is certainly gone, and its transaction with it, committed or rolled back. Whoever lost the connection to it cannot know: it
 * may still wait for a lock, and commit after one has looked. Ends it where it still lives, which a role may do with its own.
 * @param pool other connections to the same server, as the same role
 * @throws the signal's reason when that takes too long; an error of the server that will not pass
 */
export async function fence(
  pool: Pool,
  { pid, startedAt }: Backend,
  signal: AbortSignal,
): Promise<void> {
  const text = `SELECT pg_terminate_backend(pid, 1000) AS gone FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2::timestamptz`;
  for (let failures = 1; ; failures++) {
    try {
      const statement = { text, values: [pid, startedAt] };
      const { rows } = await query<{ gone: boolean }>(pool, statement, signal);
      if (rows.every(({ gone }) => gone)) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error)) throw error;
    }
    await sleep(backoffMs(failures, 50, 1000, Math.random), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    );
  }
}
