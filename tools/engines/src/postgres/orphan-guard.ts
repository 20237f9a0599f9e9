import { spawn } from 'node:child_process';

/**
 * Ends process `pid` with SIGINT when this process dies, for systems without `setpriv --pdeathsig`
 * (macOS): a shell in its own process group waits for the end of a pipe that only this process holds.
 *
 * @returns a handle that stops watching; dispose it before `pid` may be given to someone else.
 */
export function endWithParent(pid: number): Disposable {
  const guard = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$1"', 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  guard.unref();
  return {
    [Symbol.dispose]() {
      guard.kill('SIGKILL');
    },
  };
}
