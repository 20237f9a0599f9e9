// `npm start`: the whole mesh on this machine, until Ctrl-C.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LockedError, lockFile } from '@ordermesh/engines';
import { ConfigError } from '@ordermesh/service';
import { type DevConfig, readDevConfig } from './config.ts';
import { startEmbeddedDatabase } from './embedded-database.ts';
import { meshPrograms } from './mesh.ts';
import { prefixedOutput } from './output.ts';
import { startReport } from './report.ts';
import { supervise } from './supervise.ts';
import { tokenKeyFile } from './token-key.ts';

const root = join(import.meta.dirname, '../../..');
const names = ['command', 'customer', 'query', 'projector', 'gateway', 'dev'];

async function run(config: DevConfig): Promise<number> {
  mkdirSync(config.dataDir, { recursive: true });
  using _alone = lockFile(join(config.dataDir, 'supervisor.lock'));
  const output = prefixedOutput({
    write: (text) => process.stdout.write(text),
    names,
    color: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  });
  const env: NodeJS.ProcessEnv = { ...process.env, DATA_DIR: config.dataDir };
  if (config.tokenKey === undefined && config.auth !== 'jwt') {
    env.TOKEN_KEY_FILE = tokenKeyFile(config.dataDir);
  }
  const given = config.databaseUrl;
  return await supervise({
    startDatabase: given
      ? undefined
      : () => startEmbeddedDatabase(config.dataDir, output.of('dev')),
    programs: (url) =>
      meshPrograms(
        config,
        url ? { ...env, DATABASE_URL: url, MIGRATION_DATABASE_URL: url } : env,
        root,
      ),
    report: (url, tookMs) => startReport(config, url ?? given ?? '', tookMs),
    output,
    stopWithinMs: config.drainTimeoutMs + 2_000,
  });
}

process.stdout.on('error', () => {}); // `npm start | head`: the mesh does not end with its reader
try {
  process.exitCode = await run(readDevConfig());
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
