import type { Pool, PoolClient } from 'pg';
import { acquire } from './query.ts';

/**
 * Runs `work` in one READ COMMITTED transaction: commits when it resolves, rolls back when it throws.
 * @param work must send everything through the given client and keep nothing of it afterwards
 * @throws NoConnectionError when nothing was sent, else what `work` or the commit threw; after a connection loss during the commit the
 * outcome is unknown
 */
export async function transaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await acquire(pool);
  let broken = true;
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    const result = await work(client);
    await client.query('COMMIT');
    broken = false;
    return result;
  } catch (error) {
    await client.query('ROLLBACK').then(
      () => {
        broken = false;
      },
      () => undefined, // the connection is dropped, and the server rolls back
    );
    throw error;
  } finally {
    client.release(broken);
  }
}
