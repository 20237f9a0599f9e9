import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program of a test. */
export interface Program {
  /** Resolves when stdout has had `text`; rejects when the program ends before. */
  saw(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<ProgramEnd>;
}

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const killAfterMs = 15_000;

/**
 * Runs `body`, the statements of a `runProcess('demo', async (life) => { … })`, in a fresh Node process under the
 * telemetry preload, with everything of this package imported. For tests of signals, exit codes and output.
 */
export function startProgram(body: string, env: Record<string, string> = {}): Program {
  const text = `
    import * as service from '@ordermesh/service';
    const { runProcess, readSettings, serveAdmin } = service;
    await runProcess('demo', async (life) => { ${body} });
  `;
  const preload = ['--import', '@ordermesh/telemetry/register', '--input-type=module', '--eval'];
  const child = spawn(process.execPath, [...preload, text], { cwd: packageFolder, env });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += stripVTControlCharacters(chunk);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
  return {
    ended,
    signal: (name) => child.kill(name),
    saw: (wanted) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = () => {
        if (stdout.includes(wanted)) resolve();
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without ${wanted}: ${stdout}${stderr}`)));
      return promise.finally(() => waiting.delete(look));
    },
  };
}
