import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fillOnce } from './fill-once.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ordermesh-cache-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const quiet = () => {};
const write = (text: string) => async (staging: string) =>
  writeFileSync(join(staging, 'file'), text);

/** A process that fills `folder`: it appends its name to `log` and waits until `gate` exists. */
function spawnFiller(folder: string, log: string, gate: string) {
  const module = JSON.stringify(new URL('./fill-once.ts', import.meta.url).href);
  const program = `import { fillOnce } from ${module};
    import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
    const [folder, log, gate] = process.argv.slice(1);
    console.log('started');
    await fillOnce(folder, async (staging) => {
      appendFileSync(log, process.pid + '\\n');
      console.log('filling');
      while (!existsSync(gate)) await new Promise((next) => setTimeout(next, 10));
      writeFileSync(staging + '/file', 'by ' + process.pid);
    }, (line) => console.log(line));`;
  const args = ['--input-type=module', '-e', program, folder, log, gate];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const exited = once(child, 'exit');
  return {
    child,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
    async says(text: string) {
      const deadline = AbortSignal.timeout(10_000);
      while (!output.includes(text)) await once(child.stdout, 'data', { signal: deadline });
    },
  };
}

test('fills once when two processes ask at the same time; the second waits and says for whom', async () => {
  const [folder, log, gate] = [join(root, 'two'), join(root, 'two.log'), join(root, 'two.gate')];
  await using first = spawnFiller(folder, log, gate);
  await first.says('filling');
  await using second = spawnFiller(folder, log, gate);
  await second.says(`waiting for process ${first.child.pid}`);
  writeFileSync(gate, '');
  expect(await Promise.all([first.exited, second.exited])).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(readFileSync(log, 'utf8')).toBe(`${first.child.pid}\n`);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe(`by ${first.child.pid}`);
});

test('starts anew after a fill that was killed', async () => {
  const folder = join(root, 'killed');
  await using filler = spawnFiller(folder, join(root, 'killed.log'), join(root, 'never'));
  await filler.says('filling');
  filler.child.kill('SIGKILL');
  await filler.exited;
  expect(existsSync(folder)).toBe(false);
  await fillOnce(folder, write('again'), quiet);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('again');
  expect(readdirSync(root).filter((name) => name.startsWith('killed.part'))).toEqual([]);
});

test('leaves nothing after a fill that failed, and tries again', async () => {
  const folder = join(root, 'failed');
  const fail = () => Promise.reject(new Error('no network'));
  await expect(fillOnce(folder, fail, quiet)).rejects.toThrow('no network');
  await fillOnce(folder, write('second'), quiet);
  await fillOnce(folder, fail, quiet); // it is there: not called
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('second');
});
