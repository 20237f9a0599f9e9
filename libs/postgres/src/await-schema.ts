import { setTimeout as sleep } from 'node:timers/promises';
import { missingMigrations } from './applied-migrations.ts';
import { connectPatiently } from './connect.ts';
import { readMigrations, SchemaError } from './migration-files.ts';
import { isConnectionLoss, sqlState } from './sql-state.ts';

/** Options of {@link awaitSchema}. */
export interface AwaitSchemaOptions {
  /** The database itself. */
  readonly url: string;
  /** Folder with the migrations, as in `migrate`. */
  readonly directory: string;
  /** Name of this set of files, as in `migrate`. */
  readonly set?: string;
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

/**
 * For a process without DDL rights: waits until somebody else has applied all migrations of the folder. A newer database will do: migrations only expand, and a process of the former release has
 * to start while the next one rolls out, and after it was undone.
 * @throws SchemaError that names the missing version when the time is over, and at once when an applied file differs
 */
export async function awaitSchema(
  { url, directory, set = '', timeoutMs = 30_000 }: AwaitSchemaOptions,
  signal: AbortSignal,
): Promise<void> {
  const files = await readMigrations(directory);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const missing = await missingNow(
      url,
      files,
      set,
      Math.max(0, deadline - performance.now()),
      signal,
    );
    if (missing.length === 0) return;
    if (performance.now() >= deadline) {
      const names = missing.map((file) => file.name).join(', ');
      throw new SchemaError(
        `the database lacks ${names} after ${timeoutMs} ms; set MIGRATION_DATABASE_URL to a role that may create tables, or migrate it first`,
      );
    }
    await sleep(250, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function missingNow(
  url: string,
  files: Awaited<ReturnType<typeof readMigrations>>,
  set: string,
  waitMs: number,
  signal: AbortSignal,
) {
  try {
    await using connection = await connectPatiently(url, waitMs, signal);
    return await missingMigrations(connection.client, files, set, 'accept');
  } catch (error) {
    signal.throwIfAborted();
    // No such database yet, or a server that went away again: both may pass.
    if (sqlState(error) === '3D000' || (isConnectionLoss(error) && waitMs > 0)) return files;
    throw error;
  }
}
