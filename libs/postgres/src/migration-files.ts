import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One numbered SQL file. */
export interface MigrationFile {
  /** From 1, without a gap. */
  readonly number: number;
  /** File name, `000001_name.sql`. */
  readonly name: string;
  readonly sql: string;
  /** Hash of the file's bytes, hexadecimal. */
  readonly sha256: string;
}

/** The schema of a database and this code do not fit each other. The message says what to do. */
export class SchemaError extends Error {
  /** The message: `runProcess` shows the lines of an error to the operator instead of its stack. */
  readonly lines: readonly string[];

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SchemaError';
    this.lines = [message];
  }
}

/**
 * The migrations of a folder, in order.
 * @throws SchemaError when a file is not named `000001_name.sql` or the numbers do not run from 1 without a gap
 */
export async function readMigrations(directory: string): Promise<readonly MigrationFile[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  if (names.length === 0) throw new SchemaError(`no migrations in ${directory}`);
  return Promise.all(
    names.map(async (name, index) => {
      const number = Number(/^(\d{6})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);
      if (number !== index + 1) {
        const prefix = String(index + 1).padStart(6, '0');
        throw new SchemaError(`migration ${name} should be named ${prefix}_<name>.sql`);
      }
      const sql = await readFile(join(directory, name), 'utf8');
      return { number, name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}
