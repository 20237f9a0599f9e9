import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { LockedError, lockFile } from '../lock-file.ts';
import { findBinaries } from './binaries.ts';
import { prepareDataDir } from './data-dir.ts';
import { stopLeftover } from './leftover.ts';
import { type Postmaster, PostmasterFailed, spawnPostmaster } from './postmaster.ts';
import { chooseRunAs } from './run-as.ts';

/** What {@link startPostgres} takes. */
export interface PostgresOptions {
  /** Absolute or relative folder of the data; made when absent. Its parents are made with the usual mode. */
  readonly dataDir: string;
  /** TCP port of 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /**
   * Gives up durability for speed (fsync, synchronous_commit and full_page_writes off). For tests whose
   * data may be lost. Default false.
   */
  readonly unsafeFast?: boolean;
  /** Is told in one line what is unusual, such as the end of a leftover process. Default: nothing. */
  readonly onNotice?: (line: string) => void;
}

/** How a PostgreSQL ended. */
export interface PostgresExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its log, oldest first, at most 20. */
  readonly lastLines: readonly string[];
}

/** A running PostgreSQL. Dispose (or `stop`) ends it with a fast shutdown and is idempotent. */
export interface Postgres extends AsyncDisposable {
  /** `postgres://postgres@127.0.0.1:<port>/postgres`: superuser, no password, loopback only. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process ended, for whatever reason. Never rejects. */
  readonly exited: Promise<PostgresExit>;
  stop(): Promise<void>;
}

const START_ATTEMPTS = 20;

/**
 * Starts the PostgreSQL that npm installed on `dataDir` and resolves when it accepts connections
 * (2–5 s the first time, else 1–2 s). Loopback TCP only, 200 connections, durable unless `unsafeFast`.
 * It ends when this process dies, even by SIGKILL; data written by a killed run is recovered.
 * It runs in its own process group: Ctrl-C does not reach it, so the caller can stop it last.
 *
 * Call it from a process's main thread: Linux binds the end of the child to the thread that started it.
 *
 * @throws when another live process uses `dataDir`, the data belongs to another user, a fixed `port` is
 * taken, or PostgreSQL ends at start; the message says what to do.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dir = resolve(options.dataDir);
  const binaries = await findBinaries();
  mkdirSync(dirname(dir), { recursive: true });
  const runAs = chooseRunAs([binaries.postgres, dir]);
  const durable = options.unsafeFast !== true;
  const lock = lockDataDir(dir);
  try {
    const made = await prepareDataDir(dir, binaries, runAs, durable);
    const leftover = made ? undefined : await stopLeftover(dir);
    if (leftover !== undefined) {
      options.onNotice?.(`stopped the PostgreSQL of a killed run (pid ${leftover})`);
    }
    const postmaster = await startWithRetries(options.port, (port) =>
      spawnPostmaster({ program: binaries.postgres, dir, port, durable, runAs }),
    );
    return running(postmaster, lock);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function lockDataDir(dir: string): Disposable {
  try {
    return lockFile(`${dir}.lock`);
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new Error(
      `${dir} is in use by process ${error.pid ?? '(unknown)'}: stop it first, or choose another DATA_DIR`,
      { cause: error },
    );
  }
}

/**
 * After `kill -9` the backends need a moment to notice that their postmaster is gone, and a free port
 * may be taken before PostgreSQL binds it: both pass by trying again.
 */
async function startWithRetries(
  fixedPort: number | undefined,
  start: (port: number) => Promise<Postmaster>,
): Promise<Postmaster> {
  for (let attempt = 1; ; attempt++) {
    const port = fixedPort ?? (await freePort());
    try {
      return await start(port);
    } catch (error) {
      if (!(error instanceof PostmasterFailed) || attempt === START_ATTEMPTS) throw error;
      if (error.cause === 'port-taken' && fixedPort !== undefined) {
        throw new Error(`port ${port} is taken: free it, or choose another for PostgreSQL`, {
          cause: error,
        });
      }
      if (error.cause === 'other') throw error;
      await delay(250);
    }
  }
}

function running(postmaster: Postmaster, lock: Disposable): Postgres {
  const exited = postmaster.exited.then((exit) => {
    lock[Symbol.dispose]();
    return exit;
  });
  const stop = async () => {
    postmaster.shutDown();
    await exited;
  };
  return {
    url: `postgres://postgres@127.0.0.1:${postmaster.port}/postgres`,
    port: postmaster.port,
    pid: postmaster.pid,
    exited,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
