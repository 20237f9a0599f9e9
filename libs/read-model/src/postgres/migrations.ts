import { fileURLToPath } from 'node:url';

/** The schema of the views: what `migrate` and `prepareDatabase` of @ordermesh/postgres take. The database may hold other sets beside it. */
export const postgresViewMigrations = {
  /** Folder of the SQL files. */
  directory: fileURLToPath(new URL('./migrations', import.meta.url)),
  /** Name of the set. */
  set: 'order-view',
} as const;
