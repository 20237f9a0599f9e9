import { spawn } from 'node:child_process';

/**
 * Runs a command when this process dies, however it dies: a shell in its own process group waits for the end of a pipe that only this process holds.
 * @returns a handle that stops watching
 */
export function whenOrphaned(
  command: readonly [program: string, ...args: string[]],
  env: NodeJS.ProcessEnv = process.env,
): Disposable {
  const guard = spawn('/bin/sh', ['-c', 'read -r _; exec "$@"', 'sh', ...command], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env,
  });
  guard.unref();
  return {
    [Symbol.dispose]() {
      guard.kill('SIGKILL');
    },
  };
}

/**
 * Ends process `pid` with SIGINT when this process dies, for systems without `setpriv --pdeathsig` (macOS).
 *
 * @returns a handle that stops watching; dispose it before `pid` may be given to someone else.
 */
export function endWithParent(pid: number): Disposable {
  return whenOrphaned(['/bin/sh', '-c', 'kill -INT "$1"', 'sh', String(pid)]);
}
