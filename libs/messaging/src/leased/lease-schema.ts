import { fileURLToPath } from 'node:url';

/**
 * The tables of leased consumers (schema `ordermesh_bus`): what `migrate` and `prepareDatabase` of @ordermesh/postgres take. They go
 * into the view's database, beside its own set.
 */
export const leaseMigrations = {
  /** Folder of the SQL files. */
  directory: fileURLToPath(new URL('./migrations', import.meta.url)),
  /** Name of the set. */
  set: 'bus',
} as const;
