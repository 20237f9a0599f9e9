import { ReasonError } from '@ordermesh/contract';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { attempt } from './attempt.ts';
import { reportCircuit } from './circuit-metrics.ts';
import { failureRun } from './failure-run.ts';
import { openPeriod } from './open-period.ts';
import { type CircuitState, threeValuedBreaker } from './three-valued-breaker.ts';
import { untilAborted } from './until-aborted.ts';

/** Options of {@link policy}. Every one but the window is a decision about the dependency, so none has a default. */
export interface PolicyOptions {
  /** The dependency: `target` of the metrics, and named to callers in errors. */
  readonly name: string;
  /**
   * Longest time that one attempt may take, in milliseconds. Has to be shorter than the time that callers wait: a call given up by its
   * caller counts for nothing, so with a longer one a hanging dependency never opens the circuit.
   */
  readonly timeoutMs: number;
  /** Failures in a row that open the circuit. */
  readonly failureThreshold: number;
  /** Failures further apart than this, in milliseconds, are not in a row. 30,000 by default. */
  readonly failureWindowMs?: number;
  /** How long an open circuit refuses, in milliseconds, before the next call becomes the probe. */
  readonly openMs: number;
  /** Most calls at once; further ones are refused, not queued, because a queue only makes an overloaded dependency's callers late. */
  readonly maxConcurrent: number;
}

/** Protects a dependency from its callers and them from it. One per dependency and process; safe for concurrent use. */
export interface Policy {
  /**
   * Calls the dependency once: bulkhead( breaker( timeout( call ))). Errors that say that the dependency is broken or
   * unreachable open the circuit: UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL, UNKNOWN (all without a gRPC code too), DATA_LOSS.
   * @param call must pass its signal on; whether it does or not, the promise settles within `timeoutMs`
   * @param options.signal the caller's: when it fires, the promise rejects at once with its reason and the circuit takes no notice. A probe goes on
   * without its caller, so that the circuit learns what it asked for.
   * @throws ReasonError DEPENDENCY_UNAVAILABLE with `retryAfterMs`, without calling, when the circuit is open or all places are taken;
   * ReasonError DEADLINE_EXCEEDED after `timeoutMs`; else what `call` threw
   */
  execute<T>(
    call: (signal: AbortSignal) => Promise<T>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<T>;
  /** An open circuit whose time is over stays `open` until a call comes. */
  state(): CircuitState;
  /** Calls `listener` with each state that the circuit enters, in order, until disposed of. It must not throw. */
  onStateChange(listener: (state: CircuitState) => void): Disposable;
}

/**
 * Makes the policy of one dependency. Holds nothing that needs closing.
 * @throws RangeError when a number is not positive
 */
export function policy(options: PolicyOptions): Policy {
  const { name, timeoutMs, failureThreshold, openMs, maxConcurrent } = options;
  const failureWindowMs = options.failureWindowMs ?? 30_000;
  refuseNonPositive({ timeoutMs, failureThreshold, failureWindowMs, openMs, maxConcurrent });
  // Outside the breaker, so that a refusal for want of a place never counts as an answer of the dependency.
  const places = bulkhead(maxConcurrent);
  const period = openPeriod(openMs);
  const breaker = threeValuedBreaker(failureRun(failureThreshold, failureWindowMs), period);
  reportCircuit(name, breaker);

  return {
    async execute(call, { signal } = {}) {
      signal?.throwIfAborted();
      const called = places.execute(() =>
        // A probe that its caller could cancel would either close the circuit without proof or reopen it without cause.
        breaker.execute((probe) => attempt(call, name, timeoutMs, probe ? undefined : signal)),
      );
      const outcome = await untilAborted(called, signal).catch((error: unknown) => {
        // After `timeoutMs` each place has been freed once.
        throw isBulkheadRejectedError(error) ? unavailable(name, timeoutMs, error) : error;
      });
      // Without remaining time a probe is under way, which ends within `timeoutMs`.
      if (outcome === 'refused') throw unavailable(name, period.remainingMs() || timeoutMs);
      if (outcome.result.status === 'rejected') throw outcome.result.reason;
      return outcome.result.value;
    },
    state: breaker.state,
    onStateChange: breaker.onStateChange,
  };
}

function unavailable(name: string, retryAfterMs: number, cause?: unknown): ReasonError {
  const message = `${name} is not available at the moment: try again later`;
  return new ReasonError('DEPENDENCY_UNAVAILABLE', message, { retryAfterMs, cause });
}

function refuseNonPositive(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value > 0)) throw new RangeError(`${name} must be positive, got ${value}`);
  }
}
