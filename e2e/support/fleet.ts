import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startPostgres } from '@ordermesh/engines';
import { type AppProcess, eventually, startApp } from '@ordermesh/testing';
import { authority, issuedFiles } from '@ordermesh/testing/certificates';
import { type ProcessName, processes } from './mesh.ts';

/** One of several processes of the same kind, which ends and begins again under the same addresses. */
export interface Instance {
  readonly name: string;
  readonly kind: ProcessName;
  /** `http://127.0.0.1:port`; only gateways have one. */
  readonly url: string;
  /** Admin HTTP, `http://127.0.0.1:port`. */
  readonly admin: string;
  /** Starts it and resolves when it is ready. */
  start(): Promise<void>;
  /** SIGTERM; resolves when it has ended, with its exit code and all of stderr. */
  stop(): Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** Two of every process on one PostgreSQL, with mutual TLS between them. Disposal ends all of it. */
export interface Fleet extends AsyncDisposable {
  readonly instances: readonly Instance[];
  /** Of the PostgreSQL. */
  readonly dataDir: string;
}

const root = join(import.meta.dirname, '../..');
const perKind = 2;
const served = ['command', 'query', 'customer'] as const;

/** Starts it on free ports, and resolves when all of it is ready. */
export async function startFleet(): Promise<Fleet> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'ordermesh-fleet-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres') });
  resources.defer(() => postgres.stop());
  // All at once, so that no port is given twice: one to serve and one for admin HTTP.
  const count = processes.length * perKind;
  const ports = await Promise.all(Array.from({ length: 2 * count }, () => freePort()));
  const portOf = (kind: ProcessName, i: number) => ports[processes.indexOf(kind) * perKind + i];
  const addresses = Object.fromEntries(
    served.map((kind) => {
      const all = Array.from({ length: perKind }, (_, i) => `127.0.0.1:${portOf(kind, i)}`);
      return [`${kind.toUpperCase()}_ADDRESS`, `ipv4:${all.join()}`];
    }),
  );
  const ca = await authority();
  const instances: Instance[] = [];
  for (const kind of processes)
    for (let i = 0; i < perKind; i++) {
      const files = resources.use(await issuedFiles(ca.certificate, await ca.issue(kind)));
      const adminPort = ports[count + instances.length];
      const one = instance(kind, i, portOf(kind, i) ?? 0, adminPort ?? 0, {
        DATABASE_URL: postgres.url,
        MIGRATION_DATABASE_URL: postgres.url,
        TOKEN_KEY: 'the same in all processes',
        RATE_LIMIT: 'off',
        // What takes long because the machine is busy has not failed.
        REQUEST_TIMEOUT_MS: '15s',
        MIN_VERSION_WAIT_MS: '10s',
        DRAIN_TIMEOUT: '30s',
        ...addresses,
        TLS_CA_FILE: files.tlsCaFile,
        TLS_CERT_FILE: files.tlsCertFile,
        TLS_KEY_FILE: files.tlsKeyFile,
      });
      instances.push(one);
    }
  resources.defer(async () => void (await Promise.all(instances.map((one) => one.stop()))));
  await Promise.all(instances.filter(({ kind }) => kind !== 'gateway').map((one) => one.start()));
  await Promise.all(instances.filter(({ kind }) => kind === 'gateway').map((one) => one.start()));
  const owned = resources.move();
  return { instances, dataDir, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function instance(
  kind: ProcessName,
  i: number,
  port: number,
  adminPort: number,
  env: Readonly<Record<string, string>>,
): Instance {
  const admin = `http://127.0.0.1:${adminPort}`;
  let running: AppProcess | undefined;
  return {
    name: `${kind} ${i + 1}`,
    kind,
    url: `http://127.0.0.1:${port}`,
    admin,
    async start() {
      running = startApp(join(root, 'apps', kind), {
        ...env,
        [`${kind.toUpperCase()}_PORT`]: String(port),
        [`${kind.toUpperCase()}_ADMIN_PORT`]: String(adminPort),
        // The balancer asks every 100 ms; the rest is for a busy machine.
        ...(kind === 'gateway' ? { DRAIN_DELAY: '4s' } : {}),
      });
      const early = running.ended.then(({ stderr }) => {
        throw new Error(`${kind} ended before it was ready: ${stderr}`);
      });
      const isReady = async () => (await fetch(`${admin}/readyz`)).ok;
      await Promise.race([early, eventually(isReady, { withinMs: 120_000 })]);
      early.catch(() => undefined); // it ends one day
    },
    async stop() {
      running?.signal('SIGTERM');
      const end = await running?.ended;
      return end ?? { code: null, stderr: 'not started' };
    },
  };
}
