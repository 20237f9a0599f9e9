import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, processTree, stillRunning } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Reply, rest } from './support/api.ts';
import { type Acknowledged, ledger } from './support/ledger.ts';
import { placing } from './support/load.ts';
import { type Mesh, startMesh } from './support/mesh.ts';
import { freePorts, startSupervisor } from './support/supervisor.ts';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ordermesh-e2e-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

const start = () => startMesh({ full: true, dataDir, ownGroup: true });

/** The Java process of an engine below `pid`. */
function engineBelow(pid: number, mainClass: string): number {
  const found = processTree(pid).filter((one) => commandLine(one).includes(mainClass));
  expect(found).toHaveLength(1);
  return found[0] as number;
}

function commandLine(pid: number): string {
  return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
}

const gone = (pids: readonly number[]) =>
  eventually(() => stillRunning(pids).length === 0, { withinMs: 30_000 });

const said = (mesh: Mesh, pattern: RegExp) =>
  eventually(() => mesh.lines.some((line) => pattern.test(line)), { withinMs: 60_000 });

async function placed(mesh: Mesh): Promise<Acknowledged> {
  const done = await ledger(mesh.url).send(placing(randomUUID()));
  if (done === undefined) throw new Error('the order was refused');
  return done;
}

const search = (mesh: Mesh, order: Acknowledged): Promise<Reply> =>
  rest(mesh.url, 'GET', `/v1/orders?query=${order.orderId}`, undefined, {
    'consistency-token': order.consistencyToken,
  });

/** Resolves when a search answers with the order, and Elasticsearch gave the answer. */
const found = (mesh: Mesh, order: Acknowledged) =>
  eventually(
    async () => {
      const { status, headers, body } = await search(mesh, order);
      const isFound = status === 200 && body.orders[0]?.orderId === order.orderId;
      return isFound && !headers.has('x-ordermesh-degraded');
    },
    { withinMs: 60_000 },
  );

test('npm run start:full runs on its own Kafka, Elasticsearch and Redis, restarts them, and leaves nothing behind', async ({
  onTestFailed,
}) => {
  await using killed = await start();
  onTestFailed(() => console.error(killed.lines.slice(-100).join('\n')));
  await said(killed, /^ {2}Kafka {5}127\.0\.0\.1:\d+$/);
  await said(killed, /^ {2}search {4}http:\/\/127\.0\.0\.1:\d+\/$/);
  await said(killed, /^ {2}cache {5}redis:\/\/127\.0\.0\.1:\d+$/);
  const first = await placed(killed);
  await found(killed, first);

  process.kill(engineBelow(killed.pid, 'kafka.Kafka'), 'SIGKILL');
  await said(killed, /restarting Kafka in 250 ms \(SIGKILL\)/);
  const second = await placed(killed);
  await found(killed, second);

  process.kill(engineBelow(killed.pid, 'org.elasticsearch.bootstrap.Elasticsearch'), 'SIGKILL');
  await said(killed, /restarting Elasticsearch in 250 ms/);
  const left = processTree(killed.pid);
  await killed.end('SIGKILL'); // in the middle of its restart
  await gone(left);

  await using again = await start();
  onTestFailed(() => console.error(again.lines.slice(-100).join('\n')));
  await found(again, first);
  await found(again, second);
  const all = processTree(again.pid);
  expect(all.length).toBeGreaterThan(8);
  process.kill(-again.pid, 'SIGINT');
  expect(await again.exited).toBe(0);
  expect(stillRunning(all)).toEqual([]);
});

test('Ctrl-C while the engines start ends at once, and them with it', async () => {
  const env = { ...(await freePorts()), KAFKA_BROKERS: '', ELASTICSEARCH_URL: '', REDIS_URL: '' };
  const supervisor = startSupervisor(
    { ...env, DATA_DIR: dataDir, DATABASE_URL: '' },
    { full: true },
  );
  await eventually(() => supervisor.lines.some((line) => /Kafka .*: local process/.test(line)), {
    withinMs: 60_000,
  });
  const all = processTree(supervisor.pid);
  process.kill(supervisor.pid, 'SIGINT');
  expect(await supervisor.exited).toBe(0);
  expect(supervisor.lines.join('\n')).not.toContain('Elasticsearch 9');
  await gone(all);
});
