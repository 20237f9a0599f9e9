import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** The compose file of this repository. */
const composeFile = join(import.meta.dirname, '../../../../docker-compose.yml');

/** Runs `docker compose` over this repository's compose file. */
export interface Docker {
  /** The whole command line of `docker compose <args>`, for whoever has to run it later. */
  command(...args: string[]): readonly [program: string, ...args: string[]];
  /**
   * Runs it and returns what it wrote to standard output.
   * @throws with the last line that it wrote to standard error, or after `withinMs`
   */
  compose(args: readonly string[], withinMs: number): Promise<string>;
}

/** How long a question to the engine may take; it answers within 0.1 s, or somebody's DOCKER_HOST hangs. */
const ASK_WITHIN_MS = 5_000;

/** Whether a docker engine answers and its client has the compose plugin. */
export async function dockerAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await run(['docker', 'info', '--format', '{{.ServerVersion}}'], env, ASK_WITHIN_MS);
    await run(['docker', 'compose', 'version'], env, ASK_WITHIN_MS);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param env of docker, with the variables that the compose file takes
 * @param project a name of its own for what is made; default: compose's own, the folder's
 */
export function dockerCompose(env: NodeJS.ProcessEnv, project?: string): Docker {
  const command: Docker['command'] = (...args) => [
    'docker',
    'compose',
    ...['--file', composeFile],
    ...(project === undefined ? [] : ['--project-name', project]),
    ...args,
  ];
  return { command, compose: (args, withinMs) => run(command(...args), env, withinMs) };
}

function run(
  [program, ...args]: readonly [program: string, ...args: string[]],
  env: NodeJS.ProcessEnv,
  timeout: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { env, timeout, maxBuffer: 1e7 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const why = error.killed ? `no answer within ${timeout / 1000} s` : stderr.trim();
      reject(new Error(why.split('\n').at(-1) || error.message, { cause: error }));
    });
  });
}
