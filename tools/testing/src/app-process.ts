import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';

/** One line of a process's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

const register = '@ordermesh/telemetry/register';

/** How a process ended. */
export interface AppEnd {
  readonly code: number | null;
  readonly stderr: string;
}

/** A process of the mesh, started by a test. Disposing of it kills it, if it still runs. */
export interface AppProcess extends AsyncDisposable {
  readonly pid: number;
  /** Everything logged so far. */
  lines(): readonly LogLine[];
  /** The first line with this message; waits for it. Rejects when the process ends without it. */
  logged(msg: string): Promise<LogLine>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<AppEnd>;
}

/** How it is started, where that differs from `npm start`. */
export interface AppStart {
  /** Path of Node. */
  readonly node?: string;
  /** What follows it. */
  readonly args?: readonly string[];
  /** What follows the entry file: `['migrate']`. */
  readonly words?: readonly string[];
  /** User and group of the process; only root can choose another than its own. */
  readonly uid?: number | undefined;
}

/**
 * Starts `src/main.ts` of an app with telemetry registered. It sees only the variables given here and PATH.
 * @param folder of the app
 */
export function startApp(
  folder: string,
  env: Readonly<Record<string, string>>,
  {
    node = process.execPath,
    args = ['--import', register, 'src/main.ts'],
    words = [],
    uid,
  }: AppStart = {},
): AppProcess {
  const child = spawn(node, [...args, ...words], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const lines: LogLine[] = [];
  let stderr = '';
  let end: AppEnd | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<AppEnd>((resolve) => {
    child.on('close', (code) => {
      end = { code, stderr };
      resolve(end);
    });
  });
  return {
    pid: child.pid ?? 0,
    lines: () => lines,
    logged(msg) {
      return eventually(
        () => {
          const found = lines.find((line) => line.msg === msg);
          if (found !== undefined) return found;
          const state = end === undefined ? 'still running' : `ended with code ${end.code}`;
          throw new Error(`${state} without "${msg}": ${JSON.stringify(lines)} ${stderr}`);
        },
        { withinMs: 30_000 },
      );
    },
    signal: (name) => child.kill(name),
    ended,
    async [Symbol.asyncDispose]() {
      if (end === undefined) child.kill('SIGKILL');
      await ended;
    },
  };
}
