import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Postgres, startPostgres } from '@ordermesh/engines';
import { startApp, withClient } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { environments } from './deployment-faults.ts';
import { environmentOf, secretFiles } from './environment.ts';
import { workloadsOf } from './workloads.ts';

/** Of its own, because roles are the whole server's. */
let postgres: Postgres;
const dir = mkdtempSync(join(tmpdir(), 'ordermesh-roles-'));
chmodSync(dir, 0o711); // root runs PostgreSQL as nobody, who has to pass through

const apps = join(import.meta.dirname, '../../../../apps');
const workloads = workloadsOf(environments.dev);

/** The text behind one of a workload's secret files, by the variable that names it. */
function secret(id: string, variable: string): string {
  const workload = workloads.find((one) => one.id === id || one.id.startsWith(`${id}-`));
  const container = workload?.containers[0];
  if (workload === undefined || container === undefined) throw new Error(`there is no ${id}`);
  const path = environmentOf(container, environments.dev)[variable] ?? '';
  return secretFiles(workload, container, environments.dev).get(path) ?? '';
}

/** A database URL of the manifests, on the server of this test. */
function here(url: string, database?: string): string {
  const own = new URL(url);
  own.host = new URL(postgres.url).host;
  if (database !== undefined) own.pathname = `/${database}`;
  return own.href;
}

beforeAll(async () => {
  postgres = await startPostgres({ dataDir: join(dir, 'postgres') });
  const server = workloads.find(({ id }) => id === 'StatefulSet/postgres');
  const [container] = server?.containers ?? [];
  if (server === undefined || container === undefined) throw new Error('there is no PostgreSQL');
  const files = secretFiles(server, container, environments.dev);
  const roles = files.get('/docker-entrypoint-initdb.d/roles.sql') ?? '';
  await withClient(postgres.url, (client) => client.query(roles));
});

afterAll(async () => {
  await postgres?.stop();
  rmSync(dir, { recursive: true, force: true });
});

it('the roles of dev suffice for the migration Jobs and the processes, and the command service cannot change an event', async () => {
  for (const app of ['command', 'projector', 'customer']) {
    const url = here(secret(`Job/migrate-${app}`, 'MIGRATION_DATABASE_URL_FILE'));
    const env = { DATABASE_URL: url, MIGRATION_DATABASE_URL: url };
    await using job = startApp(join(apps, app), env, { words: ['migrate'] });
    expect(await job.ended, app).toEqual({ code: 0, stderr: '' });
  }
  for (const app of ['command', 'query', 'customer']) {
    const name = app.toUpperCase();
    await using process = startApp(join(apps, app), {
      [`${name}_PORT`]: '0',
      [`${name}_ADMIN_PORT`]: '0',
      DATABASE_URL: here(secret(`Deployment/${app}`, 'DATABASE_URL_FILE')),
      ...(app === 'customer' ? {} : { TOKEN_KEY: '0123456789abcdef' }),
    });
    await process.logged('ready');
  }
  const log = here(secret('Deployment/command', 'DATABASE_URL_FILE'), 'ordermesh_log');
  for (const sql of ['UPDATE events SET version = 2', 'DELETE FROM events', 'DROP TABLE events'])
    await expect(withClient(log, (client) => client.query(sql))).rejects.toThrow(
      /permission denied|must be owner/,
    );
});
