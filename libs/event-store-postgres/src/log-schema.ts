import { fileURLToPath } from 'node:url';

/**
 * Folder of the log's migrations, for `migrate` and `awaitSchema`. They give the group role `ordermesh_app`, which they make where it is absent, what the
 * command service needs and no more: its members can append and read, but neither change nor delete an event.
 */
export const logMigrations: string = fileURLToPath(new URL('./migrations', import.meta.url));

/** Channel that each batch notifies once; payload `partition:position,…` (highest of each), or empty: look everywhere. */
export const logChannel = 'ordermesh_log';
