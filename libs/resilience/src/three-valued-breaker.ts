import {
  CircuitState as Cockatiel,
  circuitBreaker,
  handleWhenResult,
  isBrokenCircuitError,
} from 'cockatiel';
import type { Effect } from './effect.ts';
import type { FailureRun } from './failure-run.ts';
import type { OpenPeriod } from './open-period.ts';

/** `closed` lets calls through, `open` refuses them, `half_open` waits for the one probe that decides. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** How a call ended, and what that says about the dependency. */
export interface Outcome<T> {
  readonly effect: Effect;
  readonly result: PromiseSettledResult<T>;
}

/** A circuit breaker that knows three effects; cockatiel alone knows two. */
export interface ThreeValuedBreaker {
  /** Changes with the state. Of a call to a closed circuit the caller remembers it, for {@link ThreeValuedBreaker.ended}. */
  era(): number;
  /**
   * A call that began in era `begunIn`, when the circuit was closed, has ended. The end of one from an earlier era says nothing about this one: late
   * failures of calls from before the break would reopen a half-open circuit.
   * @returns when it opens the circuit, a promise that is settled once it has
   */
  ended(effect: Effect, begunIn: number): Promise<unknown> | undefined;
  /**
   * Of a circuit that is not closed: runs a call as its probe, unless it is still open or a probe is under way.
   * @param run must settle in bounded time, as the circuit waits for its probe for ever
   * @returns `refused` when the call was not run
   */
  probe<T>(run: () => Promise<Outcome<T>>): Promise<Outcome<T> | 'refused'>;
  state(): CircuitState;
  onStateChange(listener: (state: CircuitState) => void): Disposable;
  /** Holds the circuit open until the result is disposed of; then it is closed. */
  isolate(): Disposable;
  isIsolated(): boolean;
}

const names: Readonly<Record<Cockatiel, CircuitState>> = {
  [Cockatiel.Closed]: 'closed',
  [Cockatiel.Open]: 'open',
  [Cockatiel.HalfOpen]: 'half_open',
  [Cockatiel.Isolated]: 'open',
};

/** Carries an outcome past cockatiel uncounted: an error that its filter does not know is neither success nor failure of a closed circuit. */
class Uncounted extends Error {
  readonly outcome: Outcome<unknown>;
  constructor(outcome: Outcome<unknown>) {
    super('not counted');
    this.outcome = outcome;
  }
}

/**
 * A breaker that opens as `failures` decides, for `period`, and then lets probes decide, one at a time.
 * @param successThreshold successful probes in a row that close the circuit
 */
export function threeValuedBreaker(
  failures: FailureRun,
  period: OpenPeriod,
  successThreshold: number,
): ThreeValuedBreaker {
  const isFailure = handleWhenResult((result) => (result as Outcome<unknown>).effect === 'failure');
  const breaker = circuitBreaker(isFailure, {
    // It hears of no failure but the one that opens, and keeps no state to be saved.
    breaker: { state: undefined, success() {}, failure: () => true },
    halfOpenAfter: period,
    halfOpenSampling: { calls: successThreshold, threshold: 0 },
  });
  let era = 0;
  breaker.onStateChange(() => {
    era++;
    failures.reset();
  });
  let probedEra: number | undefined; // of the probe under way; one that outlives its era holds up nobody

  async function counted<T>(run: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const begunIn = era;
    probedEra = era;
    const outcome = await run().finally(() => {
      if (probedEra === begunIn) probedEra = undefined;
    });
    if (era !== begunIn) throw new Uncounted(outcome);
    // A probe has to decide, and what proves nothing must not close the circuit.
    return outcome.effect === 'ignored' ? { ...outcome, effect: 'failure' } : outcome;
  }

  async function probe<T>(run: () => Promise<Outcome<T>>): Promise<Outcome<T> | 'refused'> {
    // cockatiel would let them wait and then release them all at once; resilience4j and Polly refuse them too.
    if (breaker.state === Cockatiel.HalfOpen && probedEra === era) return 'refused';
    try {
      return await breaker.execute(() => counted(run));
    } catch (error) {
      if (error instanceof Uncounted) return error.outcome as Outcome<T>;
      if (isBrokenCircuitError(error)) return 'refused';
      throw error;
    }
  }

  return {
    era: () => era,
    // Past cockatiel, which costs as much again: it has to know only when the circuit opens.
    ended(effect, begunIn) {
      if (era !== begunIn || effect === 'ignored') return undefined;
      if (effect === 'success') failures.reset();
      else if (failures.failed())
        return breaker.execute(() => ({
          effect,
          result: { status: 'rejected', reason: undefined },
        }));
      return undefined;
    },
    probe,
    state: () => names[breaker.state],
    isolate() {
      const isolation = breaker.isolate();
      return { [Symbol.dispose]: () => isolation.dispose() };
    },
    isIsolated: () => breaker.state === Cockatiel.Isolated,
    onStateChange(listener) {
      const subscription = breaker.onStateChange((state) => listener(names[state]));
      return { [Symbol.dispose]: () => subscription.dispose() };
    },
  };
}
