import { randomUUID } from 'node:crypto';
import { eventually } from '@ordermesh/testing';
import { expect, test } from 'vitest';
import { rowsOf, withDatabase } from './support/database.ts';
import { ledger } from './support/ledger.ts';
import { placing } from './support/load.ts';
import { type Mesh, type ProcessName, startMesh } from './support/mesh.ts';

/** Ends all connections to a database, keeps new ones out, and runs statements. */
async function alone(dataDir: string, name: string, statements: readonly string[]): Promise<void> {
  await withDatabase(dataDir, 'postgres', async (client) => {
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await client.query(
      'SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1',
      [name],
    );
    for (const statement of statements) await client.query(statement);
  });
}

const backUp = ({ dataDir }: Mesh) =>
  alone(dataDir, 'ordermesh_log', [
    'CREATE DATABASE ordermesh_old TEMPLATE ordermesh_log',
    'ALTER DATABASE ordermesh_log ALLOW_CONNECTIONS true',
  ]);

const restore = ({ dataDir }: Mesh) =>
  alone(dataDir, 'ordermesh_log', [
    'DROP DATABASE ordermesh_log',
    'ALTER DATABASE ordermesh_old RENAME TO ordermesh_log',
  ]);

/** Places so many orders, each as soon as the mesh takes it. */
async function place(mesh: Mesh, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const order = placing(randomUUID());
    await eventually(async () => (await ledger(mesh.url).send(order)) !== undefined, {
      withinMs: 30_000,
    });
  }
}

const projected = (mesh: Mesh) =>
  eventually(
    async () => {
      const [log] = await rowsOf(mesh.dataDir, 'ordermesh_log', 'SELECT count(*) FROM events');
      const text =
        "SELECT max(position) AS count FROM projection_checkpoint WHERE projection = 'orders-pg@000001'";
      const [views] = await rowsOf(mesh.dataDir, 'ordermesh_view', text);
      return log?.count === views?.count;
    },
    { withinMs: 30_000 },
  );

const check = async (mesh: Mesh, name: ProcessName, of: 'log' | 'relay'): Promise<string> => {
  const answer = await fetch(`${mesh.admin[name]}/readyz`);
  const { checks } = (await answer.json()) as { checks: Record<string, { error?: string }> };
  return `${answer.status} ${checks[of]?.error}`;
};

/** Checkpoints of the partitions that have events which the older copy lacks. */
const beyond = (mesh: Mesh) =>
  rowsOf(
    mesh.dataDir,
    'ordermesh_view',
    `SELECT partition, position, event_id FROM projection_checkpoint
     WHERE projection = 'orders-pg@000001' AND position BETWEEN 4 AND 8 ORDER BY partition`,
  );

test('an older copy of the log in the place of the log stops relay and projections with LOG_DIVERGED, and they say so', async ({
  onTestFailed,
}) => {
  await using mesh = await startMesh();
  onTestFailed(() => console.error(mesh.lines.slice(-100).join('\n')));
  await place(mesh, 3);
  await projected(mesh);
  await backUp(mesh);
  await place(mesh, 5);
  await projected(mesh);
  const had = await beyond(mesh);
  expect(had.length).toBeGreaterThan(0);
  const pids = [mesh.pidOf('projector'), mesh.pidOf('command')];
  await restore(mesh);
  await place(mesh, 12); // other orders, at positions that the views have and beyond

  const withinMs = 60_000;
  await eventually(
    async () => /^503 LOG_DIVERGED: orders-/.test(await check(mesh, 'projector', 'log')),
    { withinMs },
  );
  if (mesh.engines !== undefined)
    await eventually(
      async () => /^503 LOG_DIVERGED: the bus kafka/.test(await check(mesh, 'command', 'relay')),
      { withinMs },
    );
  // Where events were lost nothing of the other log got into the views (all other partitions are the same in both), and nobody restarts over it.
  expect(await beyond(mesh)).toEqual(expect.arrayContaining(had));
  expect([mesh.pidOf('projector'), mesh.pidOf('command')]).toEqual(pids);
  expect(mesh.lines.filter((line) => /FATAL.* LOG_DIVERGED: orders-pg/.test(line))).toHaveLength(1);
});
