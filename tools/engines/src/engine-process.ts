import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithParent } from './postgres/orphan-guard.ts';

/** How an engine's process ended. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it wrote, oldest first, at most 30. */
  readonly lastLines: readonly string[];
}

/** One process of an engine. */
export interface EngineProcess {
  readonly pid: number;
  /** Resolves when it ended, for whatever reason. Never rejects. */
  readonly exited: Promise<EngineExit>;
  /** Sends a signal; nothing happens when it has ended. */
  signal(name: NodeJS.Signals): void;
}

/** The program to run and how. */
export interface EngineCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment: a JAVA_TOOL_OPTIONS of the caller must not leak in. */
  readonly env: NodeJS.ProcessEnv;
  /** Whether `program` is already a `setpriv --pdeathsig`. Default false: it gets one where there is one. */
  readonly endsWithParent?: boolean;
}

const KEPT_LINES = 30;
const KILL_AFTER_MS = 10_000;

/**
 * Starts an engine in a process group of its own: a terminal's Ctrl-C must reach only the caller, which
 * stops the engines last. It ends when this process dies, even by SIGKILL.
 *
 * Call it from a process's main thread: Linux binds the end of the child to the thread that started it.
 */
export function spawnEngine(command: EngineCommand): EngineProcess {
  const bound = command.endsWithParent === true || canSetPriv();
  // KILL: nobody would be left to follow up on a TERM, over which the rest of a broken quorum hangs.
  const prefix = bound && !command.endsWithParent ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  const [program = '', ...args] = [...prefix, command.program, ...command.args];
  const child = spawn(program, args, {
    env: command.env,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const guard = bound || child.pid === undefined ? undefined : endWithParent(child.pid);
  const lastLines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
    });
  }
  const exited = new Promise<EngineExit>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) {
        resolve({ code: null, signal: null, lastLines: [String(error)] });
      }
    });
    // `close`, not `exit`: only then the log has been read to its end.
    child.once('close', (code, signal) => {
      guard?.[Symbol.dispose]();
      resolve({ code, signal, lastLines });
    });
  });
  return { pid: child.pid ?? 0, exited, signal: (name) => void child.kill(name) };
}

/** Asks `process` to end and kills it after 10 s: the last node of a broken quorum would wait for ever. */
export async function endEngine(engine: EngineProcess): Promise<void> {
  engine.signal('SIGTERM');
  const limit = setTimeout(() => engine.signal('SIGKILL'), KILL_AFTER_MS);
  await engine.exited;
  clearTimeout(limit);
}

/** The end of a process as the text of an error. */
export function describeExit(name: string, exit: EngineExit): string {
  const how = exit.signal ?? `exit code ${exit.code}`;
  return `${name} ended at start (${how}):\n${exit.lastLines.join('\n')}`;
}

let setprivWorks: boolean | undefined;

/** BusyBox has a `setpriv` too, without `--pdeathsig`: only trying it tells. */
export function canSetPriv(): boolean {
  setprivWorks ??=
    process.platform === 'linux' &&
    spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
  return setprivWorks;
}
