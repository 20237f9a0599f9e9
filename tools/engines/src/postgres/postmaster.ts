import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { postgresEnv } from './env.ts';
import { endWithParent } from './orphan-guard.ts';
import type { RunAs } from './run-as.ts';
import type { PostgresExit } from './start.ts';

/** One postgres server process that accepts connections. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly exited: Promise<PostgresExit>;
  /** Asks for a fast shutdown; after 10 s for an immediate one, after 15 s kills. Idempotent. */
  shutDown(): void;
}

/** Why a postmaster did not come up; `port-taken` and `predecessor` may pass by trying again. */
export type FailureCause = 'port-taken' | 'predecessor' | 'other';

/** PostgreSQL ended, or was ended after 60 s, before it accepted connections. */
export class PostmasterFailed extends Error {
  override readonly cause: FailureCause;

  constructor(cause: FailureCause, message: string) {
    super(message);
    this.name = 'PostmasterFailed';
    this.cause = cause;
  }
}

const START_LIMIT_MS = 60_000;
const KEPT_LINES = 20;

/** Starts postgres and resolves when it is ready. @throws {PostmasterFailed} when it is not. */
export async function spawnPostmaster(options: {
  program: string;
  dir: string;
  port: number;
  durable: boolean;
  runAs: RunAs;
}): Promise<Postmaster> {
  const { dir, port, durable, runAs } = options;
  const [program, args] = runAs.command(options.program, [
    ...['-D', dir, '-p', String(port)],
    ...settings({ max_connections: '200', shared_buffers: '128MB' }),
    // No socket file: its path would have to be short, writable for two users and cleaned up.
    ...settings({ listen_addresses: '127.0.0.1', unix_socket_directories: '' }),
    ...(durable
      ? []
      : settings({ fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' })),
  ]);
  const child = spawn(program, args, {
    env: postgresEnv(),
    cwd: '/',
    detached: true, // a terminal's Ctrl-C must reach the caller, which stops PostgreSQL last
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const guard =
    runAs.endsWithParent || child.pid === undefined ? undefined : endWithParent(child.pid);

  const lastLines: string[] = [];
  const exited = new Promise<PostgresExit>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined)
        resolve({ code: null, signal: null, lastLines: [String(error)] });
    });
    // `close`, not `exit`: only then the log has been read to its end.
    child.once('close', (code, signal) => {
      guard?.[Symbol.dispose]();
      resolve({ code, signal, lastLines });
    });
  });
  const ready = new Promise<'ready'>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
      if (line.includes('database system is ready to accept connections')) resolve('ready');
    });
  });

  const limit = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS);
  const first = await Promise.race([ready, exited]);
  clearTimeout(limit);
  if (first !== 'ready') throw failure(first);
  return { pid: child.pid ?? 0, port, exited, shutDown: shutDownOnce(child, exited) };
}

function settings(values: Record<string, string>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function failure(exit: PostgresExit): PostmasterFailed {
  const log = exit.lastLines.join('\n');
  let cause: FailureCause = 'other';
  if (log.includes('could not create any TCP/IP sockets')) cause = 'port-taken';
  else if (/pre-existing shared memory|lock file "postmaster.pid" already/.test(log)) {
    cause = 'predecessor';
  }
  const how = exit.signal ?? `exit code ${exit.code}`;
  return new PostmasterFailed(cause, `PostgreSQL ended at start (${how}):\n${log}`);
}

function shutDownOnce(child: ChildProcess, exited: Promise<unknown>): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    child.kill('SIGINT');
    const harder = setTimeout(() => child.kill('SIGQUIT'), 10_000);
    const hardest = setTimeout(() => child.kill('SIGKILL'), 15_000);
    void exited.then(() => {
      clearTimeout(harder);
      clearTimeout(hardest);
    });
  };
}
