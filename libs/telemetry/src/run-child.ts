import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a child process left behind. */
export interface ChildOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs `program` (an ES module's text) in a fresh Node process, for tests of what depends on a process's start: import
 * order, environment, stdout. Killed after 15 s.
 */
export function runChild(
  program: string,
  options: { readonly env?: Record<string, string>; readonly preload?: boolean } = {},
): Promise<ChildOutcome> {
  const preload = options.preload === false ? [] : ['--import', '@ordermesh/telemetry/register'];
  const { promise, resolve } = Promise.withResolvers<ChildOutcome>();
  execFile(
    process.execPath,
    [...preload, '--input-type=module', '--eval', program],
    {
      cwd: packageFolder,
      timeout: 15_000,
      killSignal: 'SIGKILL',
      env: options.env ?? {},
    },
    (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      resolve({ code, stdout, stderr });
    },
  );
  return promise;
}
