import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LockedError, lockFile } from '../lock-file.ts';

/**
 * Makes `folder` by `fill` unless it is there: once, however many processes ask at the same time. `fill` works in
 * a folder beside it that is renamed at the end, so that a killed fill never looks like a finished one.
 *
 * @param say is told in one line when another process is already at it.
 * @throws what `fill` throws; the next caller then tries again.
 */
export async function fillOnce(
  folder: string,
  fill: (staging: string) => Promise<void>,
  say: (line: string) => void,
): Promise<void> {
  if (existsSync(folder)) return;
  mkdirSync(dirname(folder), { recursive: true });
  using _lock = await lockPatiently(`${folder}.lock`, say);
  if (existsSync(folder)) return;
  const staging = `${folder}.part`;
  rmSync(staging, { recursive: true, force: true }); // of a killed fill
  mkdirSync(staging);
  try {
    await fill(staging);
    renameSync(staging, folder);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function lockPatiently(path: string, say: (line: string) => void): Promise<Disposable> {
  for (let said = false; ; said = true) {
    try {
      return lockFile(path);
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      if (!said) say(`waiting for process ${error.pid ?? '(unknown)'}, which makes ${path}`);
      await delay(100);
    }
  }
}
