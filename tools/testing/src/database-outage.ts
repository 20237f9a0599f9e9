import { inject } from 'vitest';
import type { TestDatabase } from './test-database.ts';
import { withClient } from './with-client.ts';

/** Takes a database away from everybody and gives it back; the server and its other databases go on. */
export interface DatabaseOutage {
  /** Ends all connections and refuses new ones. */
  begin(): Promise<void>;
  /** Takes connections again. */
  end(): Promise<void>;
}

/** An outage of one test's database, not begun yet. */
export function databaseOutage({ name }: TestDatabase): DatabaseOutage {
  const allow = (connections: boolean) => `ALTER DATABASE ${name} ALLOW_CONNECTIONS ${connections}`;
  const server = inject('postgresUrl');
  return {
    begin: () =>
      withClient(server, async (client) => {
        await client.query(allow(false));
        const text =
          'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1';
        await client.query(text, [name]);
      }),
    end: () => withClient(server, async (client) => void (await client.query(allow(true)))),
  };
}
