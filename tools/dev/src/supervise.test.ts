import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@ordermesh/engines';
import { expect, test } from 'vitest';
import type { FixtureProgram } from '../fixtures/mesh.ts';
import { allGone, isAlive, startSupervisor } from '../fixtures/supervisor.ts';

const LIMIT_MS = 90_000; // the machine may be busy; every wait ends as soon as it can

const program = async (
  name: string,
  env: Record<string, string> = {},
): Promise<FixtureProgram> => ({
  name,
  port: await freePort(),
  env,
});

const url = ({ port }: FixtureProgram) => `http://127.0.0.1:${port}/readyz`;

async function smallMesh(env: Record<string, string> = {}) {
  const [a, b] = [await program('a', env), await program('b')];
  const last = await program('last', { ASK: `${url(a)} ${url(b)}` });
  return { groups: [[a, b], [last]] };
}

test(
  'starts the last group when the others are ready, and stops in reverse order at SIGINT',
  async () => {
    await using supervisor = startSupervisor(await smallMesh());
    await supervisor.line(/all up/);
    expect(await supervisor.line(/^last \| up \d+ (.*)/)).toHaveProperty('1', '200 200');
    const pids = await Promise.all(['a', 'b', 'last'].map(supervisor.pidOf));

    // As at a terminal: npm forwards the Ctrl-C that already came from there.
    supervisor.process.kill('SIGINT');
    supervisor.process.kill('SIGINT');
    expect(await supervisor.exited).toEqual([0, null]);
    const stops = supervisor.lines.filter((line) => line.endsWith('| stopping'));
    expect(stops).toEqual(['last | stopping', 'b    | stopping', 'a    | stopping']);
    expect(pids.filter(isAlive)).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'restarts a process that dies, and says so',
  async () => {
    await using supervisor = startSupervisor(await smallMesh());
    await supervisor.line(/all up/);
    const before = await supervisor.pidOf('b');
    const from = supervisor.lines.length;
    process.kill(before, 'SIGKILL');
    await supervisor.line(/^dev {2}\| restarting b in 250 ms \(SIGKILL\)$/, from);
    await supervisor.line(/^b {4}\| up/, from);
    expect(await supervisor.pidOf('b')).not.toBe(before);
  },
  LIMIT_MS,
);

test(
  'restarts a process that crashes at its first start',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'ordermesh-dev-'));
    try {
      await using supervisor = startSupervisor(
        await smallMesh({ CRASH_ONCE: join(dir, 'crashed') }),
      );
      await supervisor.line(/restarting a in 250 ms \(exit code 3\)/);
      await supervisor.line(/all up/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  },
  LIMIT_MS,
);

test(
  'stops everything with code 1 when a first start fails with code 1, the reason last',
  async () => {
    await using supervisor = startSupervisor(await smallMesh({ FAIL_WITH: '1' }));
    expect(await supervisor.exited).toEqual([1, null]);
    expect(supervisor.lines.at(-1)).toBe(
      'dev  | a could not start (exit code 1): SOME_PORT: 127.0.0.1:1 is already in use',
    );
    expect(supervisor.lines.join('\n')).not.toContain('restarting');
    expect(supervisor.lines.join('\n')).not.toContain('last | up');
  },
  LIMIT_MS,
);

test(
  'does not take the readiness of a stranger for that of its process',
  async () => {
    const mesh = await smallMesh();
    const stranger = createServer((_request, response) => response.end('ok'));
    await once(stranger.listen(mesh.groups[0]?.[1]?.port, '127.0.0.1'), 'listening');
    try {
      await using supervisor = startSupervisor(mesh);
      expect(await supervisor.exited).toEqual([1, null]);
      expect(supervisor.lines.at(-1)).toMatch(/b could not start: another process answers at/);
    } finally {
      stranger.closeAllConnections();
      stranger.close();
    }
  },
  LIMIT_MS,
);

test(
  'kills what hangs at the second signal',
  async () => {
    await using supervisor = startSupervisor(await smallMesh({ HANG: 'yes' }));
    await supervisor.line(/all up/);
    const pids = await Promise.all(['a', 'b', 'last'].map(supervisor.pidOf));
    supervisor.process.kill('SIGTERM');
    await supervisor.line(/^a {4}\| stopping/);
    // The second one has to come later than the one that npm forwards.
    const again = setInterval(() => supervisor.process.kill('SIGTERM'), 100);
    expect(await supervisor.exited).toEqual([130, null]);
    clearInterval(again);
    await allGone(pids);
  },
  LIMIT_MS,
);

test(
  'leaves no process when the supervisor is killed',
  async () => {
    await using supervisor = startSupervisor(await smallMesh());
    await supervisor.line(/all up/);
    const pids = await Promise.all(['a', 'b', 'last'].map(supervisor.pidOf));
    supervisor.process.kill('SIGKILL');
    await allGone(pids);
  },
  LIMIT_MS,
);
