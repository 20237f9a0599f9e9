import { eventually } from '@ordermesh/testing';
import { postmaster } from './database.ts';
import type { Mesh, ProcessName } from './mesh.ts';

/** What can be killed: the supervisor starts each of them again. */
export type Victim = ProcessName | 'PostgreSQL';

/** Sends it a signal and resolves when the supervisor has said that it starts it again. */
export async function kill(mesh: Mesh, victim: Victim, signal: NodeJS.Signals): Promise<void> {
  const before = mesh.lines.length;
  const pid = victim === 'PostgreSQL' ? postmaster(mesh.dataDir).pid : mesh.pidOf(victim);
  process.kill(pid, signal);
  const announced = `restarting ${victim} in `;
  await eventually(() => mesh.lines.slice(before).some((line) => line.includes(announced)), {
    withinMs: 60_000,
  });
}
