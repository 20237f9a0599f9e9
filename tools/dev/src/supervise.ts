import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, keepRunning, type Running } from './keep-running.ts';
import type { Output } from './output.ts';
import { type Program, type RunningProgram, startProgram } from './program.ts';
import { isAnswered, untilReady } from './ready.ts';
import { stopRequest } from './stop-request.ts';

/** What runs below the processes: started first, stopped last, restarted at the same address. */
export interface Engine extends Running {
  /** As lines about it name it. */
  readonly name: string;
  /** What tells the processes where it is. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts it again at the same address after it ended. */
  restart(): Promise<Engine>;
}

/** What {@link supervise} runs. */
export interface Plan {
  /** Started at the same time and awaited first; each ends with this process, however it dies, also while it starts. */
  readonly engines: readonly (() => Promise<readonly Engine[]>)[];
  /** The groups of processes in the order of their start, given where the engines are. */
  programs(env: Engine['env']): readonly (readonly Program[])[];
  /** The lines to print when everything is ready. */
  report(env: Engine['env'], tookMs: number): readonly string[];
  readonly output: Output;
  /** How long a process may take to stop before it is killed. */
  readonly stopWithinMs: number;
}

interface Kept {
  stop(): Promise<void>;
  kill(): void;
}

const realClock: Clock = {
  now: () => performance.now(),
  delay: (ms, signal) => delay(ms, undefined, { signal }).catch(() => {}),
};

/**
 * Runs `plan` until SIGINT, SIGTERM or SIGHUP: everything starts in order, whoever dies is started again, and
 * everything stops in reverse order, the engines last. A second signal kills.
 *
 * A process that ends with code 1 before its first readiness stops the whole, with its last line as the reason:
 * its settings are wrong, and trying again would not mend them.
 *
 * @returns the exit code for this process to end with at once: 0 after a signal, 1 after a failed start, 130 after a second signal. An engine
 * that was still starting then is not waited for, a download may take minutes; it ends with this process.
 */
export async function supervise(plan: Plan): Promise<number> {
  const startedAt = performance.now();
  const say = plan.output.of('dev');
  const kept: Kept[] = []; // in the order of start
  const request = stopRequest();
  const failed = new AbortController();
  const over = AbortSignal.any([request.stop, failed.signal]);
  request.kill.addEventListener('abort', () => {
    say(`killing what still runs (${request.kill.reason})`);
    for (const one of kept.toReversed()) one.kill();
  });

  try {
    const starting = plan.engines.map(async (start) => {
      const started = await start();
      for (const engine of started) kept.push(keepEngine(engine, say));
      return started.map((engine) => engine.env);
    });
    const started = await Promise.race([Promise.all(starting), rejected(over)]);
    const env: Engine['env'] = Object.assign({}, ...started.flat());
    for (const group of plan.programs(env)) {
      for (const program of group) await assertFree(program);
      over.throwIfAborted();
      const ready = group.map((program) => {
        const { keeper, firstReady } = keepProgram(program, plan, over, (reason) =>
          failed.abort(new Error(reason)),
        );
        kept.push(keeper);
        return firstReady;
      });
      await Promise.all(ready);
    }
    const report = plan.report(env, performance.now() - startedAt);
    for (const line of report) plan.output.plain(line);
    await aborted(over);
  } catch (error) {
    if (!over.aborted) failed.abort(error);
  }

  say(failed.signal.aborted ? 'stopping everything' : `stopping (${request.stop.reason})`);
  for (const one of kept.toReversed()) await one.stop();
  if (request.kill.aborted) return 130;
  if (!failed.signal.aborted) return 0;
  say((failed.signal.reason as Error).message); // last, where it is seen
  return 1;
}

async function assertFree({ name, readyUrl, readyVariable }: Program): Promise<void> {
  if (await isAnswered(readyUrl)) {
    throw new Error(
      `${name} could not start: another process answers at ${readyUrl}; end it, or set another ${readyVariable}`,
    );
  }
}

/** Elasticsearch takes 10 s to start; PostgreSQL is there in time to be stopped in order. */
const leaveEngineStartAfterMs = 1_000;

function keepEngine(engine: Engine, say: (line: string) => void): Kept {
  return keepRunning({
    name: engine.name,
    first: engine,
    start: () => engine.restart(),
    clock: realClock,
    say,
    leaveStartAfterMs: leaveEngineStartAfterMs,
  });
}

function keepProgram(
  program: Program,
  plan: Plan,
  over: AbortSignal,
  giveUp: (reason: string) => void,
): { keeper: Kept; firstReady: Promise<void> } {
  const { name, readyUrl } = program;
  const say = plan.output.of('dev');
  const print = plan.output.of(name);
  let latest: RunningProgram;
  const start = () => {
    latest = startProgram(program, print, plan.stopWithinMs);
    return latest;
  };
  let wasReady = false;
  const firstReady = untilReady(readyUrl, over, (answer) =>
    say(`waiting for ${name}: ${readyUrl} says ${answer}`),
  ).then(() => {
    wasReady = true;
  });
  const keeper = keepRunning({
    name,
    first: start(),
    start,
    clock: realClock,
    say,
    mayRestart() {
      if (wasReady || latest.exitCode() !== 1) return true;
      giveUp(`${name} could not start (exit code 1): ${latest.lastLine()}`);
      return false;
    },
  });
  return { keeper, firstReady };
}

async function rejected(signal: AbortSignal): Promise<never> {
  await aborted(signal);
  throw signal.reason;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
