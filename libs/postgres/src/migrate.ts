import pg, { type Client } from 'pg';
import { appliedTable, missingMigrations } from './applied-migrations.ts';
import { type Connection, connectPatiently } from './connect.ts';
import { databaseOf, databaseUrl } from './database-url.ts';
import { type MigrationFile, readMigrations } from './migration-files.ts';
import { isUniqueViolation, sqlState } from './sql-state.ts';

/** Options of {@link migrate}. */
export interface MigrateOptions {
  /** Any database of the server, as a role that may create databases and tables (`MIGRATION_DATABASE_URL`). */
  readonly url: string;
  /** Folder with `000001_name.sql`, `000002_…`; a file runs as one transaction. */
  readonly directory: string;
  /** Name of the database to create (UTF-8) and to bring up to date. */
  readonly database: string;
  /** Name of this set of files, for databases that hold several (the views and the embedded bus's offsets); default: the only one. */
  readonly set?: string;
}

/** How long a server that is down or starting is waited for. */
const serverWaitMs = 30_000;

// Any constant will do, as long as nothing else in the database uses it: "ordermig" in ASCII.
const migrationLock = '8030590420203268455';

/**
 * Creates the database if it is absent and applies the files that it lacks, each in its own transaction. Any number of processes may do
 * this at the same time: one advisory lock lets one file through at a time, the others find it applied. A failing file leaves those
 * before it applied. Waits up to 30 s for a server that is not up.
 * @returns the names of the files that this call applied
 * @throws SchemaError when an applied file has changed, or the database is newer than the folder; the signal's reason; else the server's error
 */
export async function migrate(
  options: MigrateOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const files = await readMigrations(options.directory);
  await using connection = await connectCreating(options, signal);
  const { client } = connection;
  const names: string[] = [];
  try {
    for (;;) {
      const applied = await applyNext(client, files, options.set ?? '');
      if (applied === undefined) return names;
      names.push(applied);
    }
  } catch (error) {
    signal.throwIfAborted(); // it closed the connection, which is all that the error knows
    throw error;
  }
}

async function applyNext(
  client: Client,
  files: readonly MigrationFile[],
  set: string,
): Promise<string | undefined> {
  await client.query('BEGIN');
  try {
    // Of the transaction, not of the session: released with the commit even behind a transaction pooler.
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    await client.query(appliedTable);
    const [next] = await missingMigrations(client, files, set, 'refuse');
    if (next !== undefined) {
      await client.query(next.sql);
      const row = [set, next.number, next.name, next.sha256];
      await client.query(
        'INSERT INTO schema_migrations (set, number, name, sha256) VALUES ($1, $2, $3, $4)',
        row,
      );
    }
    await client.query('COMMIT');
    return next?.name;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function connectCreating(options: MigrateOptions, signal: AbortSignal): Promise<Connection> {
  const target = databaseUrl(options.url, options.database);
  try {
    return await connectPatiently(target, serverWaitMs, signal);
  } catch (error) {
    if (sqlState(error) !== '3D000') throw error; // anything but "database does not exist"
  }
  await createDatabase(options, signal);
  return connectPatiently(target, serverWaitMs, signal);
}

async function createDatabase(options: MigrateOptions, signal: AbortSignal): Promise<void> {
  const named = databaseOf(options.url);
  const url = databaseUrl(
    options.url,
    named === undefined || named === options.database ? 'postgres' : named,
  );
  await using connection = await connectPatiently(url, serverWaitMs, signal);
  // template0 because nobody can be connected to it, which would make the copy fail.
  const text = `CREATE DATABASE ${pg.escapeIdentifier(options.database)} TEMPLATE template0 ENCODING 'UTF8'`;
  try {
    await connection.client.query(text);
  } catch (error) {
    const already = sqlState(error) === '42P04' || isUniqueViolation(error); // the second when both create at the same time
    if (!already) throw error;
  }
}
