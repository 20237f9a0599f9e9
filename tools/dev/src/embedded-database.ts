import { join } from 'node:path';
import { type Postgres, startPostgres } from '@ordermesh/engines';
import pg from 'pg';
import type { Engine } from './supervise.ts';

/** The role of the application, which may append to the log and read it, but change nothing in it; made when absent. */
const applicationRole = 'ordermesh';

/** The embedded PostgreSQL below `dataDir`; a restart keeps its port, so that its clients only reconnect. */
export async function startEmbeddedDatabase(
  dataDir: string,
  say: (line: string) => void,
): Promise<Engine> {
  const start = async (port?: number): Promise<Engine> => {
    const postgres = await startPostgres({
      dataDir: join(dataDir, 'postgres'),
      ...(port !== undefined && { port }),
      onNotice: say,
    });
    await makeApplicationRole(postgres.url);
    return asDatabase(postgres, start);
  };
  return start();
}

function asDatabase(postgres: Postgres, start: (port: number) => Promise<Engine>): Engine {
  const log = new URL(postgres.url);
  log.username = applicationRole;
  log.pathname = '/ordermesh_log';
  return {
    name: 'PostgreSQL',
    env: {
      DATABASE_URL: postgres.url,
      MIGRATION_DATABASE_URL: postgres.url,
      LOG_DATABASE_URL: log.href,
    },
    ended: postgres.exited.then(({ code, signal }) => signal ?? `exit code ${code}`),
    restart: () => start(postgres.port),
    stop: () => postgres.stop(),
    kill() {
      try {
        process.kill(postgres.pid, 'SIGQUIT'); // ends its backends too, which SIGKILL would leave for a moment
      } catch {
        // it is gone already
      }
    },
  };
}

/** A login that has what the log's migrations grant to the group `ordermesh_app`. */
async function makeApplicationRole(url: string): Promise<void> {
  const client = new pg.Client(url);
  client.on('error', () => undefined); // the statement in flight rejects anyway
  await client.connect();
  try {
    await client.query(`DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ordermesh_app') THEN CREATE ROLE ordermesh_app NOLOGIN; END IF;
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${applicationRole}') THEN
        CREATE ROLE ${applicationRole} LOGIN IN ROLE ordermesh_app;
      END IF;
    END $$`);
  } finally {
    await client.end();
  }
}
