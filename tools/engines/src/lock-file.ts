import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/** Another live process holds the lock. Thrown by {@link lockFile}; `pid` is that process, when it could be read. */
export class LockedError extends Error {
  readonly code = 'LOCKED';
  readonly path: string;
  readonly pid: number | undefined;

  constructor(path: string, pid: number | undefined) {
    super(`${path} is held by ${pid === undefined ? 'another process' : `process ${pid}`}`);
    this.name = 'LockedError';
    this.path = path;
    this.pid = pid;
  }
}

/**
 * Holds `path` for this process until disposed or until the process ends, however it ends.
 *
 * SQLite's exclusive lock is the one advisory lock of the operating system that Node reaches without
 * native code. A file with a pid in it was rejected: in a restarted container the pid of the dead
 * holder belongs to someone else, and the lock would look held for ever.
 *
 * @throws {LockedError} when another process, or this one, holds it.
 */
export function lockFile(path: string): Disposable {
  const pidFile = `${path}.pid`;
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) {
      throw new Error(`cannot lock ${path}: make it writable for this user`, { cause });
    }
    throw new LockedError(path, readPid(pidFile));
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    [Symbol.dispose]() {
      if (!db.isOpen) return;
      rmSync(pidFile, { force: true });
      db.close();
    },
  };
}

function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined;
  } catch {
    return undefined; // the holder is just starting or just ending
  }
}
