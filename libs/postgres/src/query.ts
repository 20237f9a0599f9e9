import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import {
  isConnectionLoss,
  isReadOnly,
  isSerialization,
  NoConnectionError,
  sqlState,
} from './sql-state.ts';

/** One statement. */
export interface Statement {
  /** SQL with `$1`, `$2`, … */
  readonly text: string;
  /** Parameters. */
  readonly values?: readonly unknown[];
  /** Prepares the statement under this name, once per connection: for statements that run often. One name, one text. */
  readonly name?: string;
}

/**
 * Runs one statement once, in autocommit.
 * @param signal rejects at once with the signal's reason; a statement in flight loses its connection, and the server ends it within a second. A
 * write that was in flight may still have happened.
 * @throws NoConnectionError when nothing was sent; otherwise the driver's error (see {@link isConnectionLoss} and its neighbours)
 */
export async function query<R extends QueryResultRow>(
  pool: Pool,
  statement: Statement,
  signal?: AbortSignal,
): Promise<QueryResult<R>> {
  const client = await acquire(pool, signal);
  let broken = true;
  try {
    // Copied because node-postgres wants mutable arrays.
    const work = client.query<R>({ ...statement, values: [...(statement.values ?? [])] });
    const result = await abortable(work, signal);
    broken = false;
    return result;
  } catch (error) {
    // What is no answer of the server, the signal's reason included, leaves the connection in the midst of something.
    broken = sqlState(error) === undefined || isConnectionLoss(error) || isReadOnly(error);
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * Like {@link query}, for statements without effect: tried once more, on another connection, after a lost connection, a serialization
 * failure or a read-only server. Absorbs a failover's broken idle connections, not an outage.
 */
export async function read<R extends QueryResultRow>(
  pool: Pool,
  statement: Statement,
  signal?: AbortSignal,
): Promise<QueryResult<R>> {
  try {
    return await query<R>(pool, statement, signal);
  } catch (error) {
    const again = isConnectionLoss(error) || isSerialization(error) || isReadOnly(error);
    if (!again || signal?.aborted) throw error;
    return query<R>(pool, statement, signal);
  }
}

/**
 * A connection of the pool; the caller releases it, with `true` to drop it.
 * @throws NoConnectionError, or the signal's reason
 */
export async function acquire(pool: Pool, signal?: AbortSignal): Promise<PoolClient> {
  signal?.throwIfAborted();
  const connecting = pool.connect();
  try {
    return await abortable(connecting, signal);
  } catch (error) {
    if (!signal?.aborted) throw new NoConnectionError(error);
    connecting.then(
      (client) => client.release(),
      () => undefined,
    );
    throw signal.reason;
  }
}

function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() =>
    signal.removeEventListener('abort', onAbort),
  );
}
