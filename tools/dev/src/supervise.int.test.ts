import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@ordermesh/engines';
import { eventually } from '@ordermesh/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allGone, startSupervisor } from '../fixtures/supervisor.ts';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'ordermesh-dev-'));
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on('error', () => {}); // the server is killed under it
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const postmasterPid = async (url: string) =>
  Number(
    (await query(url, `SELECT pg_read_file('postmaster.pid') AS text`))[0]?.text
      ?.toString()
      .split('\n')[0],
  );

test('keeps PostgreSQL running at one address, ends it with the supervisor and recovers its data', async () => {
  const mesh = { dataDir, groups: [[{ name: 'only', port: await freePort() }]] };
  const pids: number[] = [];
  {
    await using supervisor = startSupervisor(mesh);
    const url = (await supervisor.line(/all up (.*)/))[1] ?? '';
    await query(url, 'CREATE TABLE t AS SELECT 1 AS n');
    const first = await postmasterPid(url);
    process.kill(first, 'SIGKILL');
    await supervisor.line(/restarting PostgreSQL in 250 ms \(SIGKILL\)/);
    await eventually(() => query(url, 'SELECT n FROM t'), { withinMs: 40_000 });
    pids.push(first, await postmasterPid(url), await supervisor.pidOf('only'));
    supervisor.process.kill('SIGKILL');
    await allGone(pids);
  }
  await using supervisor = startSupervisor(mesh);
  const url = (await supervisor.line(/all up (.*)/))[1] ?? '';
  expect(await query(url, 'SELECT n FROM t')).toEqual([{ n: 1 }]);
  const again = await postmasterPid(url);
  supervisor.process.kill('SIGTERM');
  expect(await supervisor.exited).toEqual([0, null]);
  await allGone([again]);
}, 180_000);
