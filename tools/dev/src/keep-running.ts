import { nextDelayMs } from './backoff.ts';

/** Something that runs and ends at some time. */
export interface Running {
  /** Resolves when it ended, with the cause in a few words ("exit code 1", "SIGKILL"). Never rejects. */
  readonly ended: Promise<string>;
  /** Asks it to end and resolves when it has. */
  stop(): Promise<void>;
  /** Ends it at once, without waiting. */
  kill(): void;
}

/** Time, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Resolves after `ms`, or when `signal` aborts. */
  delay(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Keeps something running: when `first` ends, `start` makes the next after a wait that doubles
 * ({@link nextDelayMs}), announced by `say` as `restarting <name> in 250 ms (<cause>)`.
 * A `start` that throws counts as one that ended at once.
 *
 * `mayRestart` is asked before each restart; answering false ends the keeping for good.
 *
 * `leaveStartAfterMs`: so long does `stop` wait for a start that is under way, for ever by default. What is left behind is stopped when it has started, and has
 * to end with this process.
 *
 * @returns handles that end both the keeping and what runs; `stop` is idempotent.
 */
export function keepRunning(options: {
  readonly name: string;
  readonly first: Running;
  readonly start: () => Running | Promise<Running>;
  readonly clock: Clock;
  readonly say: (line: string) => void;
  readonly mayRestart?: () => boolean;
  readonly leaveStartAfterMs?: number;
}): { stop(): Promise<void>; kill(): void } {
  const { name, start, clock, say, mayRestart = () => true, leaveStartAfterMs } = options;
  const stopping = new AbortController();
  let current: Running | undefined = options.first;

  const loop = async () => {
    let delayMs: number | undefined;
    let startedAt = clock.now();
    let cause = await options.first.ended;
    for (;;) {
      current = undefined;
      if (stopping.signal.aborted || !mayRestart()) return;
      delayMs = nextDelayMs(delayMs, clock.now() - startedAt);
      say(`restarting ${name} in ${delayMs} ms (${cause})`);
      await clock.delay(delayMs, stopping.signal);
      if (stopping.signal.aborted) return;
      startedAt = clock.now();
      try {
        current = await start();
        // Asked to stop while it was starting: stop() had nothing to end yet.
        if (stopping.signal.aborted) await current.stop();
        cause = await current.ended;
      } catch (error) {
        cause = (error as Error).message;
      }
    }
  };
  const kept = loop();

  return {
    async stop() {
      stopping.abort();
      await current?.stop();
      if (leaveStartAfterMs === undefined) return kept;
      const over = new AbortController();
      await Promise.race([kept, clock.delay(leaveStartAfterMs, over.signal)]);
      over.abort();
    },
    kill() {
      stopping.abort();
      current?.kill();
    },
  };
}
