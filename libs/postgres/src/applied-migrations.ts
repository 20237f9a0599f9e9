import type { ClientBase } from 'pg';
import { type MigrationFile, SchemaError } from './migration-files.ts';
import { sqlState } from './sql-state.ts';

/** The table that {@link migrate} keeps in each database. */
export const appliedTable = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    set text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (set, number)
  )`;

/**
 * The files that a database still lacks, in order.
 * @param newer what to do about a database that knows more than the folder
 * @throws SchemaError when an applied file has changed since, or the database is newer and that is refused
 */
export async function missingMigrations(
  client: ClientBase,
  files: readonly MigrationFile[],
  set: string,
  newer: 'refuse' | 'accept',
): Promise<readonly MigrationFile[]> {
  const applied = await appliedMigrations(client, set);
  for (const row of applied) {
    const file = files[row.number - 1];
    if (file === undefined) {
      if (newer === 'accept') break;
      throw new SchemaError(
        `the database is newer than this code: it has migration ${row.name}, the code ends at ${files.at(-1)?.name}; deploy the newer code`,
      );
    }
    if (file.sha256 !== row.sha256) {
      throw new SchemaError(
        `migration ${file.name} has changed since it was applied (sha256 ${row.sha256}, now ${file.sha256}); restore the file and put the change into a new migration`,
      );
    }
  }
  return files.slice(applied.length);
}

async function appliedMigrations(client: ClientBase, set: string) {
  const text = 'SELECT number, name, sha256 FROM schema_migrations WHERE set = $1 ORDER BY number';
  try {
    return (await client.query<{ number: number; name: string; sha256: string }>(text, [set])).rows;
  } catch (error) {
    if (sqlState(error) === '42P01') return []; // no such table: nothing applied yet
    throw error;
  }
}
