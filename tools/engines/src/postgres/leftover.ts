import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Stops the postmaster of a killed run that still serves `dir`. The caller holds the folder's lock, so
 * whoever started it is gone. A postmaster.pid whose process is gone is left: PostgreSQL removes it.
 *
 * @returns the pid that was stopped, or undefined when there was none.
 * @throws when it does not end within 15 s.
 */
export async function stopLeftover(dir: string): Promise<number | undefined> {
  const pid = recordedPid(dir);
  if (pid === undefined || !isPostmaster(pid, dir)) return undefined;
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    process.kill(pid, signal);
    for (let i = 0; i < 100; i++) {
      if (!isPostmaster(pid, dir)) return pid;
      await delay(50);
    }
  }
  throw new Error(`the PostgreSQL of a killed run (pid ${pid}) does not end: end it by hand`);
}

function recordedPid(dir: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(join(dir, 'postmaster.pid'), 'utf8');
  } catch {
    return undefined;
  }
  const [pidLine = '', dirLine = ''] = text.split('\n');
  const pid = Number(pidLine);
  return Number.isInteger(pid) && pid > 1 && resolve(dirLine) === resolve(dir) ? pid : undefined;
}

/** A pid may have been given to someone else since: only a process started with this folder counts. */
function isPostmaster(pid: number, dir: string): boolean {
  try {
    const command =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes(` -D ${dir} `);
  } catch {
    return false;
  }
}
