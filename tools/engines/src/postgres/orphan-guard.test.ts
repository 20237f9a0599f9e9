import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { endWithParent } from './orphan-guard.ts';

const guardModule = JSON.stringify(new URL('./orphan-guard.ts', import.meta.url).href);

test('ends the process when its parent is killed', async () => {
  const victim = spawn('sleep', ['60'], { stdio: 'ignore' });
  const ended = once(victim, 'exit');
  const program = `import { endWithParent } from ${guardModule};
    globalThis.guard = endWithParent(${victim.pid}); console.log('guarding'); setInterval(() => {}, 1e6);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(parent.stdout, 'data');
  parent.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGINT']);
});

test('leaves the process alone once disposed', async () => {
  const victim = spawn('sleep', ['60'], { stdio: 'ignore' });
  const ended = once(victim, 'exit');
  endWithParent(victim.pid ?? 0)[Symbol.dispose]();
  victim.kill('SIGTERM');
  expect(await ended).toEqual([null, 'SIGTERM']);
});
