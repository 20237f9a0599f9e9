import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@ordermesh/engines';
import { eventually } from '@ordermesh/testing';

/** The processes of the mesh. */
export const processes = ['gateway', 'command', 'query', 'projector', 'customer'] as const;

/** Name of one of them. */
export type ProcessName = (typeof processes)[number];

/** Options of {@link startMesh}. */
export interface MeshOptions {
  /** PostgreSQL server to use; default: an embedded one of the mesh's own, under its data folder. */
  readonly databaseUrl?: string;
  /** Data folder that outlives the mesh; default: a new one, removed at the end. */
  readonly dataDir?: string;
  /** Further environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `npm start`, running. Disposal stops it as Ctrl-C does and fails unless everything ended by itself with code 0. */
export interface Mesh extends AsyncDisposable {
  /** The gateway, `http://127.0.0.1:port`. */
  readonly url: string;
  /** gRPC addresses, `host:port`. */
  readonly address: Readonly<Record<'command' | 'query' | 'customer', string>>;
  /** Admin HTTP of a process, `http://127.0.0.1:port`. */
  readonly admin: Readonly<Record<ProcessName, string>>;
  readonly dataDir: string;
  /** Process id of the supervisor. */
  readonly pid: number;
  /** Everything that was printed so far, in lines. */
  readonly lines: readonly string[];
  /** The latest process id of a process. */
  pidOf(name: ProcessName): number;
  /** Resolves when the process's `/readyz` says so. */
  ready(name: ProcessName): Promise<void>;
  /** `kill -9`; resolves when a successor has been started (not: is ready). */
  kill(name: ProcessName): Promise<void>;
  /** Sends the supervisor a signal and resolves with its exit code; -1 when a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number>;
}

const root = join(import.meta.dirname, '../..');

/** Runs the command that `npm start` runs, on free ports, and resolves when the gateway is ready. */
export async function startMesh(options: MeshOptions = {}): Promise<Mesh> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'ordermesh-e2e-')));
  const ports = await freePorts();
  const env = {
    ...process.env,
    ...ports,
    ORDERMESH_LOG: 'pretty',
    DATA_DIR: dataDir,
    DATABASE_URL: options.databaseUrl ?? '',
    MIGRATION_DATABASE_URL: options.databaseUrl ?? '',
    ...options.env,
  };
  const child = spawn(process.execPath, ['tools/dev/src/main.ts'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = linesOf(child);
  const exited = new Promise<number>((resolve) =>
    child.once('exit', (code) => resolve(code ?? -1)),
  );
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const at = (variable: keyof typeof ports) => `127.0.0.1:${ports[variable]}`;
  const admin = Object.fromEntries(
    processes.map((name) => [
      name,
      `http://${at(`${name.toUpperCase()}_ADMIN_PORT` as keyof typeof ports)}`,
    ]),
  ) as Record<ProcessName, string>;
  const pidOf = (name: ProcessName) => {
    const started = lines.findLast(
      (line) => line.startsWith(name) && / starting pid=\d+/.test(line),
    );
    const pid = /pid=(\d+)/.exec(started ?? '')?.[1];
    if (pid === undefined) throw new Error(`${name} has not started yet`);
    return Number(pid);
  };
  const ready = async (name: ProcessName) =>
    void (await eventually(
      async () => {
        if (ended) throw new Error(`the mesh ended: ${lines.slice(-20).join('\n')}`);
        return (await fetch(`${admin[name]}/readyz`)).ok;
      },
      { withinMs: 60_000, everyMs: 50 },
    ));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  const removeData = async () => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await ready('gateway');
  } catch (error) {
    await end('SIGKILL');
    await removeData();
    throw error;
  }
  return {
    url: `http://${at('GATEWAY_PORT')}`,
    address: {
      command: at('COMMAND_PORT'),
      query: at('QUERY_PORT'),
      customer: at('CUSTOMER_PORT'),
    },
    admin,
    dataDir,
    pid: child.pid ?? 0,
    lines,
    pidOf,
    ready,
    async kill(name) {
      const before = pidOf(name);
      process.kill(before, 'SIGKILL');
      await eventually(() => pidOf(name) !== before, { withinMs: 30_000 });
    },
    end,
    async [Symbol.asyncDispose]() {
      const code = ended ? await exited : await end('SIGTERM');
      await removeData();
      if (code > 0)
        throw new Error(`the mesh ended with code ${code}: ${lines.slice(-20).join('\n')}`);
    },
  };
}

async function freePorts() {
  const variables = [
    ...(['GATEWAY_PORT', 'COMMAND_PORT', 'QUERY_PORT', 'CUSTOMER_PORT'] as const),
    ...(['GATEWAY_ADMIN_PORT', 'COMMAND_ADMIN_PORT', 'QUERY_ADMIN_PORT'] as const),
    ...(['PROJECTOR_ADMIN_PORT', 'CUSTOMER_ADMIN_PORT'] as const),
  ];
  const ports = {} as Record<(typeof variables)[number], string>;
  // All at once, so that no port is given twice.
  const free = await Promise.all(variables.map(() => freePort()));
  variables.forEach((variable, i) => {
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
