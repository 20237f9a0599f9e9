import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Running } from './keep-running.ts';

/** One process of the mesh, as data. */
export interface Program {
  readonly name: string;
  /** What follows `node` on the command line. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Answers 200 once the process can do its work. */
  readonly readyUrl: string;
  /** The variable that chose its port, for the message when somebody else answers there. */
  readonly readyVariable: string;
}

/** A started {@link Program}. */
export interface RunningProgram extends Running {
  readonly pid: number | undefined;
  /** The exit code so far: null while it runs or when a signal ended it. */
  exitCode(): number | null;
  /** The last line that it wrote. */
  lastLine(): string;
}

const endWithParent = new URL('./end-with-parent.ts', import.meta.url).href;

/**
 * Starts `program` in a process group of its own, so that a terminal's Ctrl-C reaches only the supervisor,
 * which stops the processes in order. Each line that it writes goes to `print`. It ends when this process
 * dies, however it dies (end-with-parent.ts).
 *
 * `stop` sends SIGTERM, and SIGKILL when `stopWithinMs` is over.
 */
export function startProgram(
  program: Program,
  print: (line: string) => void,
  stopWithinMs: number,
): RunningProgram {
  const child = spawn(process.execPath, ['--import', endWithParent, ...program.args], {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let lastLine = '';
  for (const output of [child.stdout, child.stderr]) {
    if (output === null) continue;
    createInterface({ input: output }).on('line', (line) => {
      if (line.trim() !== '') lastLine = line;
      print(line);
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
    // `close`, not `exit`: its last lines come before whatever is said about its end.
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // the whole group is gone already
    }
  };
  return {
    pid: child.pid,
    ended,
    kill,
    exitCode: () => child.exitCode,
    lastLine: () => lastLine,
    async stop() {
      child.kill('SIGTERM');
      const limit = setTimeout(() => {
        print(`did not stop within ${stopWithinMs} ms: killed`);
        kill();
      }, stopWithinMs);
      await ended;
      clearTimeout(limit);
    },
  };
}
