import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bus } from '../bus.ts';

/** A consumer in a process of its own that takes messages and never finishes with them. */
export interface Victim extends AsyncDisposable {
  /** Resolves once it is inside a batch. */
  holding(): Promise<void>;
  /** Ends the process without a chance to say goodbye. */
  kill(): Promise<void>;
}

/**
 * The victim's side, called in a process of its own, started by {@link startVictim}: consumes, reports, and hangs inside every batch, whatever its
 * signal says.
 */
export async function runVictim(bus: Bus, group: string): Promise<void> {
  await bus.consume({
    group,
    handler: {
      async assigned() {},
      batch() {
        process.send?.('holding');
        return new Promise<never>(() => undefined);
      },
      async revoked() {},
    },
  });
  process.on('disconnect', () => process.exit()); // never outlives its test
}

/**
 * Starts a program that calls {@link runVictim}.
 * @param program TypeScript or JavaScript file
 */
export function startVictim(program: URL, args: readonly string[]): Victim {
  const child = fork(program, args, {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const held = Promise.race([
    once(child, 'message'),
    exited.then(([code]) => Promise.reject(new Error(`the victim ended early, code ${code}`))),
  ]);
  held.catch(() => undefined); // reported to whoever asks
  const kill = () => end(child, exited);
  return {
    async holding() {
      await held;
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}
