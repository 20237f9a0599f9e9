import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ReasonError } from '@ordermesh/contract';
import { counter, observeGauge } from '@ordermesh/telemetry';

/**
 * How much a request matters when not all can be served: what finishes an order before what begins one, and both before what can be asked again
 * later.
 */
export type Importance = 'finishing' | 'usual' | 'deferrable';

/** The importance of a method, by its name. */
export function importanceOf(methodName: string): Importance {
  if (/^(Pay|Ship|Deliver)Order$/.test(methodName)) return 'finishing';
  return /^(Search|List)/.test(methodName) ? 'deferrable' : 'usual';
}

/** Options of {@link loadShedder}. */
export interface LoadShedderOptions {
  /** Most requests at work at once. */
  readonly maxConcurrent: number;
  /** Milliseconds that the event loop is behind, on average over the last second. The process's own by default. */
  readonly loopDelayMs?: () => number;
}

/** Refuses work that a process could only do too late. */
export interface LoadShedder extends Disposable {
  /**
   * Takes a place for a request.
   * @returns gives the place back; must be called exactly once
   * @throws ReasonError OVERLOADED with `retryAfterMs` when what is left is kept for more important requests
   */
  enter(importance: Importance): () => void;
}

/** Which part of all places a class may fill: the rest is kept for those above it. */
const shares: Readonly<Record<Importance, number>> = {
  finishing: 1,
  usual: 0.9,
  deferrable: 0.7,
};
/** With an event loop this far behind a class is refused; what finishes an order never is. A garbage collection's pause does not reach the mean. */
const longestDelayMs: Readonly<Record<Importance, number>> = {
  finishing: Infinity,
  usual: 1_000,
  deferrable: 300,
};
const retryAfterMs = 1_000;

const shed = counter('ordermesh.requests.shed', {
  description: 'Requests refused because the process had too much to do, by importance and cause.',
  unit: '{request}',
});

/**
 * Makes the shedder of one process. Technique: priority classes with reserved room (Stripe, "Scaling your API with rate limiters": about 20 % kept for
 * critical requests).
 */
export function loadShedder({ maxConcurrent, loopDelayMs }: LoadShedderOptions): LoadShedder {
  const own = loopDelayMs === undefined ? loopDelay() : undefined;
  const delayMs = loopDelayMs ?? own?.meanMs ?? (() => 0);
  let running = 0;
  for (const importance of Object.keys(shares))
    for (const cause of ['concurrency', 'event_loop']) shed.add(0, { importance, cause });
  const observed = observeGauge(
    'ordermesh.requests.running',
    { description: 'Requests at work in this process.', unit: '{request}' },
    (report) => report(running),
  );

  return {
    enter(importance) {
      const isFull = running >= Math.ceil(maxConcurrent * shares[importance]);
      const isLate = delayMs() > longestDelayMs[importance];
      if (isFull || isLate) {
        shed.add(1, { importance, cause: isFull ? 'concurrency' : 'event_loop' });
        const message = 'The service has too much to do at the moment: try again later.';
        throw new ReasonError('OVERLOADED', message, { retryAfterMs });
      }
      running++;
      return () => {
        running--;
      };
    },
    [Symbol.dispose]() {
      observed[Symbol.dispose]();
      own?.[Symbol.dispose]();
    },
  };
}

/** The mean delay of this process's event loop over the last full second. */
function loopDelay(): Disposable & { meanMs(): number } {
  const resolution = 20;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  let meanMs = 0;
  const timer = setInterval(() => {
    // Its samples are the time between two ticks, so an idle loop has the resolution itself. NaN without a sample.
    meanMs = Math.max(0, (histogram.mean || 0) / 1e6 - resolution);
    histogram.reset();
  }, 1_000);
  timer.unref();
  return {
    meanMs: () => meanMs,
    [Symbol.dispose]() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
