import { acquire } from '@ordermesh/postgres';
import type { Pool, PoolClient } from 'pg';

/** A share in a connection. */
export interface Share {
  readonly client: PoolClient;
  /**
   * Gives it back. The last one's return gives the connection back to the pool.
   * @param broken nobody may join any more, and the pool drops the connection
   */
  leave(broken: boolean): void;
}

/**
 * Gives out one connection of a pool to all statements in flight at a time: whoever comes joins those who use it, or takes one from the pool.
 * @returns throws NoConnectionError, to everybody who waited for the same connection
 */
export function sharedConnection(pool: Pool): () => Promise<Share> {
  interface Use {
    readonly opening: Promise<PoolClient>;
    users: number;
    isBroken: boolean;
  }
  let current: Use | undefined;
  return async () => {
    current ??= { opening: acquire(pool), users: 0, isBroken: false };
    const use = current;
    use.users++; // before it is open, so that nobody gives it back while another one waits for it
    const close = () => {
      if (current === use) current = undefined;
    };
    const client = await use.opening.catch((error: unknown) => {
      close();
      throw error;
    });
    return {
      client,
      leave(broken) {
        use.users--;
        use.isBroken ||= broken;
        if (use.isBroken || use.users === 0) close();
        if (use.users === 0) client.release(use.isBroken);
      },
    };
  };
}
