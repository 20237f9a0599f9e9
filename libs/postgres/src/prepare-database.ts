import { awaitSchema } from './await-schema.ts';
import { databaseOf } from './database-url.ts';
import { migrate } from './migrate.ts';

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
 * @throws SchemaError as `migrate` and `awaitSchema`
 */
export async function prepareDatabase(
  { url, migrationUrl, directory, set = '' }: PrepareDatabaseOptions,
  signal: AbortSignal,
): Promise<void> {
  const database = databaseOf(url);
  if (migrationUrl === undefined || database === undefined) {
    await awaitSchema({ url, directory, set }, signal);
  } else {
    await migrate({ url: migrationUrl, directory, database, set }, signal);
  }
}
