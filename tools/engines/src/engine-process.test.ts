import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { endEngine, spawnEngine } from './engine-process.ts';

const processModule = JSON.stringify(new URL('./engine-process.ts', import.meta.url).href);
const env = { PATH: process.env.PATH };

test('ends the engine when its parent is killed', async () => {
  const program = `import { spawnEngine } from ${processModule};
    const engine = spawnEngine({ program: 'sleep', args: ['60'], env: { PATH: process.env.PATH } });
    console.log(engine.pid); setInterval(() => {}, 1e6);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = Number(String((await once(parent.stdout, 'data'))[0]));
  expect(() => process.kill(pid, 0)).not.toThrow();
  parent.kill('SIGKILL');
  await vi.waitUntil(
    () => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    },
    { timeout: 10_000 },
  );
});

test('keeps the last 30 lines of what it wrote', async () => {
  const engine = spawnEngine({ program: 'seq', args: ['100'], env });
  const { code, lastLines } = await engine.exited;
  expect(code).toBe(0);
  expect(lastLines).toEqual(Array.from({ length: 30 }, (_, i) => String(71 + i)));
});

test('passes only the given environment on', async () => {
  vi.stubEnv('JAVA_TOOL_OPTIONS', '-Dleaked');
  const { lastLines } = await spawnEngine({ program: 'env', args: [], env }).exited;
  expect(lastLines.join()).not.toContain('leaked');
  vi.unstubAllEnvs();
});

test('says that a program is missing, and ends what has ended already', async () => {
  const engine = spawnEngine({ program: '/nowhere/engine', args: [], env });
  expect((await engine.exited).lastLines.join()).toMatch(/nowhere/);
  await endEngine(engine);
});
