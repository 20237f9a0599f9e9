import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@ordermesh/testing';
import { type RealEngines, startRealEngines } from './real-engines.ts';
import { freePorts, startSupervisor } from './supervisor.ts';

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
  /** Runs the supervisor in a process group of its own, so that `process.kill(-mesh.pid, 'SIGINT')` is a terminal's Ctrl-C. */
  readonly ownGroup?: boolean;
  /** `real` starts a Kafka, an Elasticsearch and a Redis for it, as for `npm run start:full`. Default: E2E_ENGINES, else `embedded`. */
  readonly engines?: 'embedded' | 'real';
  /** Runs the command that `npm run start:full` runs: its engines are the supervisor's own. */
  readonly full?: boolean;
}

/** `npm start`, running. Disposal stops it as Ctrl-C does and fails unless everything ended by itself with code 0. */
export interface Mesh extends AsyncDisposable {
  /** The gateway, `http://127.0.0.1:port`. */
  readonly url: string;
  /** gRPC addresses, `host:port`. */
  readonly address: Readonly<Record<'command' | 'query' | 'customer', string>>;
  /** Admin HTTP of a process, `http://127.0.0.1:port`. */
  readonly admin: Readonly<Record<ProcessName, string>>;
  /** The development issuer, which runs with AUTH=jwt only. */
  readonly issuer: string;
  readonly dataDir: string;
  /** With `engines: 'real'` only. They end after the mesh. */
  readonly engines: RealEngines | undefined;
  /** Process id of the supervisor. */
  readonly pid: number;
  /** Everything that was printed so far, in lines. */
  readonly lines: readonly string[];
  /** The latest process id of a process. */
  pidOf(name: ProcessName | 'issuer'): number;
  /** Resolves when the process's `/readyz` says so. */
  ready(name: ProcessName): Promise<void>;
  /** `kill -9`; resolves when a successor has been started (not: is ready). */
  kill(name: ProcessName | 'issuer'): Promise<void>;
  /** The supervisor's exit code, when it has ended; -1 when a signal ended it. */
  readonly exited: Promise<number>;
  /** Sends the supervisor a signal and resolves as `exited` does. */
  end(signal: NodeJS.Signals): Promise<number>;
}

/** Runs the command that `npm start` runs, on free ports, and resolves when the gateway is ready. */
export async function startMesh(options: MeshOptions = {}): Promise<Mesh> {
  await using resources = new AsyncDisposableStack();
  const { ownGroup = false, full = false } = options;
  const wanted = full ? 'embedded' : (options.engines ?? process.env.E2E_ENGINES);
  const engines = wanted === 'real' ? resources.use(await startRealEngines()) : undefined;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'ordermesh-e2e-')));
  const ports = await freePorts();
  const supervisor = startSupervisor(
    {
      ...ports,
      DATA_DIR: dataDir,
      DATABASE_URL: options.databaseUrl ?? '',
      MIGRATION_DATABASE_URL: options.databaseUrl ?? '',
      KAFKA_BROKERS: '', // not those that the whole run was given: other meshes may use them
      ELASTICSEARCH_URL: '',
      REDIS_URL: '',
      RATE_LIMIT: 'off', // all load comes from one address; the limits have a test of their own
      ...engines?.env,
      ...options.env,
    },
    { ownGroup, full },
  );
  const { lines, exited } = supervisor;
  const at = (variable: keyof typeof ports) => `127.0.0.1:${ports[variable]}`;
  const admin = Object.fromEntries(
    processes.map((name) => [
      name,
      `http://${at(`${name.toUpperCase()}_ADMIN_PORT` as keyof typeof ports)}`,
    ]),
  ) as Record<ProcessName, string>;
  const pidOf = (name: ProcessName | 'issuer') => {
    const started = lines.findLast(
      (line) => line.startsWith(name) && / starting pid=\d+/.test(line),
    );
    const pid = /pid=(\d+)/.exec(started ?? '')?.[1];
    if (pid === undefined) throw new Error(`${name} has not started yet`);
    return Number(pid);
  };
  const ready = async (name: ProcessName) => {
    await eventually(
      async () => supervisor.hasEnded() || (await fetch(`${admin[name]}/readyz`)).ok,
      { withinMs: full ? 150_000 : 60_000, everyMs: 50 },
    );
    if (supervisor.hasEnded()) throw new Error(`the mesh ended: ${lines.slice(-20).join('\n')}`);
  };
  const end = async (signal: NodeJS.Signals) => {
    if (!supervisor.hasEnded()) process.kill(supervisor.pid, signal);
    return exited;
  };
  const removeData = async () => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await ready('gateway');
  } catch (error) {
    await end('SIGTERM');
    await removeData();
    throw error;
  }
  const owned = resources.move();
  return {
    url: `http://${at('GATEWAY_PORT')}`,
    address: {
      command: at('COMMAND_PORT'),
      query: at('QUERY_PORT'),
      customer: at('CUSTOMER_PORT'),
    },
    admin,
    issuer: `http://${at('ISSUER_PORT')}`,
    dataDir,
    engines,
    pid: supervisor.pid,
    lines,
    pidOf,
    ready,
    async kill(name) {
      const before = pidOf(name);
      process.kill(before, 'SIGKILL');
      await eventually(() => pidOf(name) !== before, { withinMs: 30_000 });
    },
    exited,
    end,
    async [Symbol.asyncDispose]() {
      const code = await end('SIGTERM');
      await owned.disposeAsync();
      await removeData();
      if (code > 0)
        throw new Error(`the mesh ended with code ${code}: ${lines.slice(-20).join('\n')}`);
    },
  };
}
