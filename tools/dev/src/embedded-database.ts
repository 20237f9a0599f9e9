import { join } from 'node:path';
import { type Postgres, startPostgres } from '@ordermesh/engines';
import type { Engine } from './supervise.ts';

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
    return asDatabase(postgres, start);
  };
  return start();
}

function asDatabase(postgres: Postgres, start: (port: number) => Promise<Engine>): Engine {
  return {
    name: 'PostgreSQL',
    env: { DATABASE_URL: postgres.url, MIGRATION_DATABASE_URL: postgres.url },
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
