// `npm start`: the whole mesh on this machine, until Ctrl-C. With `--full`, as `npm run start:full` has it, on Kafka, Elasticsearch and Redis.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LockedError, lockFile } from '@ordermesh/engines';
import { ConfigError } from '@ordermesh/service';
import { type DevConfig, readDevConfig } from './config.ts';
import { startEmbeddedDatabase } from './embedded-database.ts';
import { startFullEngines } from './full-engines.ts';
import { meshPrograms } from './mesh.ts';
import { prefixedOutput } from './output.ts';
import { startReport } from './report.ts';
import { supervise } from './supervise.ts';
import { tokenKeyFile } from './token-key.ts';

const root = join(import.meta.dirname, '../../..');
const names = ['command', 'customer', 'query', 'projector', 'gateway', 'dev', 'issuer'];

async function run(config: DevConfig, full: boolean): Promise<number> {
  makeDataDir(config.dataDir);
  using _alone = lockFile(join(config.dataDir, 'supervisor.lock'));
  const output = prefixedOutput({
    write: (text) => process.stdout.write(text),
    names,
    color: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  });
  const env: NodeJS.ProcessEnv = { ...process.env, DATA_DIR: config.dataDir };
  if (config.tokenKey === undefined) env.TOKEN_KEY_FILE = tokenKeyFile(config.dataDir);
  const { dataDir, databaseUrl } = config;
  const { LOG_DATABASE_URL: logUrl } = process.env; // a log elsewhere, with the other databases here
  const ownLog = logUrl ? { LOG_DATABASE_URL: logUrl } : {};
  const say = output.of('dev');
  return await supervise({
    engines: [
      ...(databaseUrl ? [] : [async () => [await startEmbeddedDatabase(dataDir, say)]]),
      ...(full ? [() => startFullEngines(dataDir, say)] : []),
    ],
    programs: (engines) => meshPrograms(config, { ...env, ...engines, ...ownLog }, root),
    report: (engines, tookMs) => startReport(config, { ...process.env, ...engines }, tookMs),
    output,
    stopWithinMs: config.drainTimeoutMs + 2_000,
  });
}

function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code;
    throw new ConfigError([
      `DATA_DIR: ${dataDir} cannot be made a folder (${why}); choose another`,
    ]);
  }
}

process.stdout.on('error', () => {}); // `npm start | head`: the mesh does not end with its reader
try {
  process.exit(await run(readDevConfig(), process.argv.includes('--full')));
} catch (error) {
  process.exitCode = 1;
  if (error instanceof LockedError) {
    const pid = error.pid ?? 'unknown';
    console.error(
      `another \`npm start\` (process ${pid}) uses this DATA_DIR: stop it, or set DATA_DIR to another folder`,
    );
  } else if (error instanceof ConfigError) {
    for (const line of error.lines) console.error(line);
  } else {
    throw error;
  }
}
