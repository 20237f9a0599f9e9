import { fileURLToPath } from 'node:url';
import { query } from '@ordermesh/postgres';
import pg, { type Pool } from 'pg';

/** Folder of the log's migrations, for `migrate` and `awaitSchema`. */
export const logMigrations: string = fileURLToPath(new URL('./migrations', import.meta.url));

/** Channel that each batch notifies once; payload `partition:position,…` (highest of each), or empty: look everywhere. */
export const logChannel = 'ordermesh_log';

/**
 * Gives a role what the command service needs and no more: it can append and read, but neither change nor delete an event. Repeatable.
 * @param pool as the owner of the tables
 * @param role that exists
 */
export async function grantLog(pool: Pool, role: string): Promise<void> {
  const to = pg.escapeIdentifier(role);
  const text = `
    GRANT USAGE ON SCHEMA public TO ${to};
    GRANT SELECT ON schema_migrations TO ${to};
    GRANT SELECT, INSERT ON events, log TO ${to};
    GRANT SELECT, INSERT, DELETE ON idempotency TO ${to};
    GRANT SELECT, INSERT, UPDATE ON relay, snapshots TO ${to};`;
  await query(pool, { text });
}
