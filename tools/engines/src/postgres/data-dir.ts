import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { postgresEnv } from './env.ts';
import type { RunAs } from './run-as.ts';

/**
 * Makes sure that `dir` is a PostgreSQL data folder of the right user: made by initdb when absent or
 * empty, left alone when it is one. initdb works in a folder beside it that is renamed at the end, so
 * that a killed initdb never looks like a finished one.
 *
 * @returns whether it was made now.
 * @throws when `dir` belongs to another user or holds something else.
 */
export async function prepareDataDir(
  dir: string,
  binaries: Binaries,
  runAs: RunAs,
  sync: boolean,
): Promise<boolean> {
  const owner = statSync(dir, { throwIfNoEntry: false })?.uid;
  const own = process.getuid?.();
  // An empty folder that this process made (mkdtemp) is replaced below, whoever PostgreSQL runs as.
  if (owner !== undefined && owner !== runAs.uid && !(owner === own && isEmpty(dir))) {
    throw new Error(otherOwner(dir, owner, runAs.uid));
  }
  if (existsSync(join(dir, 'PG_VERSION'))) return false;
  if (owner !== undefined && !isEmpty(dir)) {
    throw new Error(`${dir} holds something that is no PostgreSQL data: choose another folder`);
  }
  const temporary = `${dir}.init-${randomUUID().slice(0, 8)}`;
  // Not recursive: a recursive mkdir gives its mode to the parents too.
  mkdirSync(temporary, { mode: 0o700 });
  try {
    if (runAs.asOther) chownSync(temporary, runAs.uid, -1);
    const [program, args] = runAs.command(binaries.initdb, [
      ...['-D', temporary, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
      // Plain C would not fold non-ASCII: to_tsvector('simple', 'ÄRGER') would never match 'ärger'.
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...(sync ? [] : ['--no-sync']),
    ]);
    await promisify(execFile)(program, args, { env: postgresEnv(), cwd: '/' });
    renameSync(temporary, dir);
  } catch (cause) {
    rmSync(temporary, { recursive: true, force: true });
    throw new Error(`initdb could not make ${dir}: ${(cause as Error).message}`, { cause });
  }
  return true;
}

function isEmpty(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0;
  } catch {
    return false; // not readable for us, so not ours to replace
  }
}

function otherOwner(dir: string, owner: number, uid: number): string {
  const root = 'a start as root runs PostgreSQL as `nobody`';
  return `${dir} belongs to user ${owner}, but this start runs PostgreSQL as user ${uid} (${root}): start as the user who made the data, choose another DATA_DIR, or delete the folder to begin anew`;
}
