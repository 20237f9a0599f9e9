import { awaitSchema } from './await-schema.ts';
import { databaseOf } from './database-url.ts';
import { migrate } from './migrate.ts';
import { SchemaError } from './migration-files.ts';
import { isConnectionLoss } from './sql-state.ts';

/** Options of {@link prepareDatabase}. */
export interface PrepareDatabaseOptions {
  /** The database, as the application's role. */
  readonly url: string;
  /** `MIGRATION_DATABASE_URL`: a role that may create databases and tables; undefined where the application has no such right. */
  readonly migrationUrl: string | undefined;
  /** Folder with the migrations. */
  readonly directory: string;
  /** Name of this set of files, for databases that hold several. */
  readonly set?: string;
}

/**
 * Resolves when the database has every migration of the folder: applied by this call where it has the right to, else by somebody else.
 * @throws SchemaError as `migrate` and `awaitSchema`, and when the server stays away for 30 s
 */
export async function prepareDatabase(
  { url, migrationUrl, directory, set = '' }: PrepareDatabaseOptions,
  signal: AbortSignal,
): Promise<void> {
  const database = databaseOf(url);
  try {
    if (migrationUrl === undefined || database === undefined) {
      await awaitSchema({ url, directory, set }, signal);
    } else {
      await migrate({ url: migrationUrl, directory, database, set }, signal);
    }
  } catch (error) {
    if (signal.aborted || !isConnectionLoss(error)) throw error;
    const { host } = new URL(migrationUrl ?? url);
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new SchemaError(
      `PostgreSQL at ${host} cannot be reached (${why}): start it, or change DATABASE_URL`,
      error,
    );
  }
}
