import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { freePort } from '@ordermesh/engines';

/** The program behind `npm start`, started. */
export interface Supervisor {
  readonly pid: number;
  /** Everything that it and its processes printed so far, in lines. */
  readonly lines: readonly string[];
  /** Resolves with the exit code, -1 when a signal ended it, after its last line was read. */
  readonly exited: Promise<number>;
  hasEnded(): boolean;
}

const root = join(import.meta.dirname, '../..');

/**
 * Runs it with `env` on top of this process's environment.
 * @param ownGroup in a process group of its own (its id is the pid), so that `process.kill(-pid, 'SIGINT')` is a terminal's Ctrl-C
 * @param full as `npm run start:full` does: it starts its engines itself
 */
export function startSupervisor(
  env: Readonly<Record<string, string>>,
  { ownGroup = false, full = false } = {},
): Supervisor {
  const child = spawn(process.execPath, ['tools/dev/src/main.ts', ...(full ? ['--full'] : [])], {
    cwd: root,
    env: { ...process.env, ORDERMESH_LOG: 'pretty', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
  });
  let ended = false;
  const exited = new Promise<number>((resolve) =>
    child.once('close', (code) => {
      ended = true;
      resolve(code ?? -1);
    }),
  );
  return { pid: child.pid ?? 0, lines: linesOf(child), exited, hasEnded: () => ended };
}

const portVariables = [
  ...(['GATEWAY_PORT', 'COMMAND_PORT', 'QUERY_PORT', 'CUSTOMER_PORT'] as const),
  ...(['GATEWAY_ADMIN_PORT', 'COMMAND_ADMIN_PORT', 'QUERY_ADMIN_PORT'] as const),
  ...(['PROJECTOR_ADMIN_PORT', 'CUSTOMER_ADMIN_PORT'] as const),
  ...(['ISSUER_PORT', 'ISSUER_ADMIN_PORT'] as const),
];

/** Name of a variable with a port. */
export type PortVariable = (typeof portVariables)[number];

/** A free port for each variable of the mesh, and the peers' addresses that go with them. */
export async function freePorts() {
  const ports = {} as Record<PortVariable, string>;
  // All at once, so that no port is given twice.
  const free = await Promise.all(portVariables.map(() => freePort()));
  portVariables.forEach((variable, i) => {
    ports[variable] = String(free[i]);
  });
  const { COMMAND_PORT, QUERY_PORT, CUSTOMER_PORT } = ports;
  return {
    ...ports,
    COMMAND_ADDRESS: `127.0.0.1:${COMMAND_PORT}`,
    QUERY_ADDRESS: `127.0.0.1:${QUERY_PORT}`,
    CUSTOMER_ADDRESS: `127.0.0.1:${CUSTOMER_PORT}`,
  };
}

function linesOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
  }
  return lines;
}
