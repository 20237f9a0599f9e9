import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

/** Whether ENGINES_SKIP leaves this engine out. */
export function isSkipped(engine: string): boolean {
  return (process.env.ENGINES_SKIP ?? '').toLowerCase().includes(engine);
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Starts `engine` in a process of its own, kills that process and resolves when the engine is gone too. */
export async function killParentOf(engine: string): Promise<void> {
  const program = fileURLToPath(new URL('../fixtures/engine-owner.ts', import.meta.url));
  const temporary = mkdtempSync(join(tmpdir(), 'ordermesh-orphan-')); // the killed one removes nothing
  const owner = spawn(process.execPath, [program, engine], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(owner, 'exit');
  const [line] = await Promise.race([
    once(owner.stdout, 'data'),
    exited.then(([code]) => Promise.reject(new Error(`fixture exited ${code}`))),
  ]);
  const pid = Number(String(line));
  if (!isAlive(pid)) throw new Error(`no process ${pid}`);
  owner.kill('SIGKILL');
  await exited;
  await vi.waitUntil(() => !isAlive(pid), { timeout: 30_000, interval: 50 });
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** A port that someone listens on, until disposed. */
export async function takenPort(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
