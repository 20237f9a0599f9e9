// vitest globalSetup of the projects `int` and `e2e`: one PostgreSQL for the whole run.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@ordermesh/engines';
import type { TestProject } from 'vitest/node';
import { dropDatabasesOf } from './drop-databases.ts';
import type { RunPrefix } from './provided.ts';

interface Server extends AsyncDisposable {
  readonly url: string;
}

/** vitest loads this file once per project: the server they share hangs on the global object. */
const shared = globalThis as {
  ordermeshTestPostgres?: { users: number; server: Promise<Server> } | undefined;
};

/**
 * Provides `postgresUrl`. DATABASE_URL wins; otherwise an embedded PostgreSQL starts in a temporary
 * folder, which is removed at the end. A server that cannot start fails the run: no test is skipped.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.ordermeshTestPostgres ??= { users: 0, server: openServer() };
  const { ordermeshTestPostgres: users } = shared;
  users.users++;
  const { url } = await users.server;
  const prefixes: RunPrefix[] = [];
  const nextRun = () => {
    const run: RunPrefix = `ordermesh_test_${randomBytes(4).toString('hex')}`;
    prefixes.push(run);
    project.provide('postgresRun', run);
  };
  project.provide('postgresUrl', url);
  nextRun();
  project.onTestsRerun(nextRun); // a migration may have changed: never clone the last run's template

  return async () => {
    for (const prefix of prefixes) await dropDatabasesOf(url, prefix);
    if (--users.users > 0) return;
    shared.ordermeshTestPostgres = undefined;
    await (await users.server)[Symbol.asyncDispose]();
  };
}

async function openServer(): Promise<Server> {
  const given = process.env.DATABASE_URL;
  if (given !== undefined && given !== '') {
    console.log(`int and e2e tests use the PostgreSQL of DATABASE_URL (${new URL(given).host})`);
    return { url: given, async [Symbol.asyncDispose]() {} };
  }
  const dir = mkdtempSync(join(tmpdir(), 'ordermesh-test-'));
  chmodSync(dir, 0o711); // root runs PostgreSQL as nobody, who has to pass through
  const remove = () => rmSync(dir, { recursive: true, force: true });
  process.once('exit', remove); // a run that is interrupted does not tear down
  const startedAt = performance.now();
  const postgres = await startPostgres({ dataDir: join(dir, 'postgres'), unsafeFast: true });
  const tookMs = Math.round(performance.now() - startedAt);
  console.log(
    `int and e2e tests use an embedded PostgreSQL on port ${postgres.port} (${tookMs} ms)`,
  );
  return {
    url: postgres.url,
    async [Symbol.asyncDispose]() {
      await postgres.stop();
      remove();
      process.off('exit', remove);
    },
  };
}
