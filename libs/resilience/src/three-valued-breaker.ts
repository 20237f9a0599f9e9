import {
  CircuitState as Cockatiel,
  circuitBreaker,
  handleWhenResult,
  type IBreaker,
  isBrokenCircuitError,
} from 'cockatiel';
import type { Effect } from './effect.ts';
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
  /**
   * Runs a call unless the circuit is open or a probe is under way.
   * @param run told whether it is the probe; must settle in bounded time, as the circuit waits for its probe for ever
   * @returns `refused` when the call was not run
   */
  execute<T>(run: (probe: boolean) => Promise<Outcome<T>>): Promise<Outcome<T> | 'refused'>;
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
 * A breaker that opens as `counter` decides, for `period`, and then lets probes decide, one at a time.
 * @param successThreshold successful probes in a row that close the circuit
 */
export function threeValuedBreaker(
  counter: IBreaker,
  period: OpenPeriod,
  successThreshold: number,
): ThreeValuedBreaker {
  const failures = handleWhenResult((result) => (result as Outcome<unknown>).effect === 'failure');
  const breaker = circuitBreaker(failures, {
    breaker: counter,
    halfOpenAfter: period,
    halfOpenSampling: { calls: successThreshold, threshold: 0 },
  });
  let isProbing = false;
  // Grows with each change of state: the end of a call that began in an earlier era says nothing about this one. Without this, late failures of calls
  // from before the break reopen a half-open circuit.
  let era = 0;
  breaker.onStateChange(() => {
    era++;
  });

  async function counted<T>(run: (probe: boolean) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const begunIn = era;
    const probe = breaker.state === Cockatiel.HalfOpen;
    if (probe) isProbing = true;
    const outcome = await run(probe).finally(() => {
      if (probe) isProbing = false;
    });
    if (era !== begunIn) throw new Uncounted(outcome);
    if (outcome.effect !== 'ignored') return outcome;
    // A probe has to decide, and what proves nothing must not close the circuit.
    if (probe) return { ...outcome, effect: 'failure' };
    throw new Uncounted(outcome);
  }

  return {
    async execute<T>(run: (probe: boolean) => Promise<Outcome<T>>) {
      // cockatiel would let them wait and then release them all at once; resilience4j and Polly refuse them too.
      if (breaker.state === Cockatiel.HalfOpen && isProbing) return 'refused';
      try {
        return await breaker.execute(() => counted(run));
      } catch (error) {
        if (error instanceof Uncounted) return error.outcome as Outcome<T>;
        if (isBrokenCircuitError(error)) return 'refused';
        throw error;
      }
    },
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
