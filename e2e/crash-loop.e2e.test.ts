import { expect, test } from 'vitest';
import { kill, type Victim } from './support/kill.ts';
import { type Load, startLoad } from './support/load.ts';
import { type Mesh, startMesh } from './support/mesh.ts';
import { expectWhole } from './support/whole.ts';

/** Of command, projector and query; as many again of the others. */
const kills = Number(process.env.CRASH_KILLS ?? (process.env.SOAK ? 50 : 4));
// PostgreSQL twice: what it had not flushed yet is lost only now and then.
const others: readonly Victim[] = ['PostgreSQL', 'customer', 'PostgreSQL', 'gateway'];

/** Command, projector and query in turn, and after each of them one of the others. */
function victims(): readonly Victim[] {
  return Array.from({ length: kills }).flatMap((_, i) => [
    (['command', 'projector', 'query'] as const)[i % 3] as Victim,
    others[i % 4] as Victim,
  ]);
}

/** `kill -9` in the middle of the load. @returns how long it took until an order passed through the whole mesh again, in milliseconds */
async function killAndMend(mesh: Mesh, load: Load, victim: Victim): Promise<number> {
  const started = performance.now();
  await kill(mesh, victim, 'SIGKILL');
  await load.probe();
  const tookMs = performance.now() - started;
  await mesh.ready('gateway');
  return tookMs;
}

test(`every acknowledged command survives kill -9 of any process and of PostgreSQL, exactly once (${2 * kills} kills)`, {
  timeout: 120_000 + kills * 40_000,
}, async ({ onTestFailed }) => {
  await using mesh = await startMesh();
  onTestFailed(() => console.error(mesh.lines.slice(-200).join('\n')));
  const load = await startLoad(mesh);
  const times = new Map<Victim, number[]>();
  try {
    await load.probe();
    for (const victim of victims()) {
      const tookMs = await killAndMend(mesh, load, victim);
      times.set(victim, [...(times.get(victim) ?? []), tookMs]);
    }
  } finally {
    await load.stop();
  }
  const { orders, events } = await expectWhole(mesh, load);
  const resent = load.acknowledged.filter(({ attempts }) => attempts > 1).length;
  expect(resent, 'commands that met a kill').toBeGreaterThan(0);
  console.log(report(times, { orders, events, resent, putOff: [...load.refusals] }));
});

function report(
  times: ReadonlyMap<Victim, readonly number[]>,
  {
    orders,
    events,
    resent,
    putOff,
  }: Record<'orders' | 'events' | 'resent', number> & { putOff: [string, number][] },
): string {
  const s = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const rows = [...times].map(([victim, all]) => {
    const sorted = all.toSorted((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)] as number;
    const most = sorted.at(-1) as number;
    return `  ${victim.padEnd(10)} ${all.length} × kill -9: whole again after ${s(median)} (at most ${s(most)})`;
  });
  return [
    `${orders} orders, ${events} events, none lost, none twice; ${resent} commands were sent again`,
    ...rows,
    `  put off: ${putOff.map(([why, times]) => `${times} × ${why}`).join(', ')}`,
  ].join('\n');
}
