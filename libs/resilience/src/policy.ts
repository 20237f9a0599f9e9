import { untilAborted } from '@ordermesh/service';
import { counter } from '@ordermesh/telemetry';
import { attempt, type ProtectedCall } from './attempt.ts';
import { reportCircuit } from './circuit-metrics.ts';
import { failureRun } from './failure-run.ts';
import { openPeriod } from './open-period.ts';
import { RefusedCall } from './refused-call.ts';
import { retryBudget } from './retry-budget.ts';
import { countRetries, type RetryOptions, retrying } from './retrying.ts';
import { type CircuitState, type Outcome, threeValuedBreaker } from './three-valued-breaker.ts';
import { timeLimits } from './time-limits.ts';

/** Options of {@link policy}. Those without a default are decisions about the dependency. */
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
  /** `openMs` doubles with each probe that fails, up to this. `openMs` by default: it does not grow. */
  readonly maxOpenMs?: number;
  /** Successful probes in a row that close the circuit. 1 by default. */
  readonly successThreshold?: number;
  /** Most calls at once; further ones are refused, not queued, because a queue only makes an overloaded dependency's callers late. */
  readonly maxConcurrent: number;
  /** For calls that may be repeated. None by default. Retries belong to one layer only: whoever calls through this policy must not retry by itself. */
  readonly retry?: RetryOptions;
  /** `dry-run` reports every state and refusal, but calls all the same. `enforce` by default. */
  readonly mode?: 'enforce' | 'dry-run';
}

/** What one call allows. */
export interface ExecuteOptions {
  /** The caller's; see {@link Policy.execute}. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the caller's deadline. Without it there is none but `timeoutMs`. */
  readonly remainingMs?: () => number;
  /** Whether the dependency may see the call twice: a read, or a command with an idempotency key. False by default: then it is never tried again. */
  readonly isRepeatable?: boolean;
}

/** Protects a dependency from its callers and them from it. One per dependency and process; safe for concurrent use. */
export interface Policy {
  readonly name: string;
  /** Longest time of one attempt, in milliseconds: the deadline to send with it. */
  readonly timeoutMs: number;
  /**
   * Calls the dependency: retry( bulkhead( breaker( timeout( call )))). Errors that say that the dependency is broken or
   * unreachable open the circuit: UNAVAILABLE but OVERLOADED, DEADLINE_EXCEEDED, INTERNAL, UNKNOWN (all without a gRPC code too), DATA_LOSS. A call whose
   * deadline is earlier than `timeoutMs` counts for nothing when it is too late: its caller was impatient.
   * @param call must pass the attempt's signal on; whether it does or not, the promise settles within `timeoutMs` per attempt
   * @param options.signal when it fires, the promise rejects at once with its reason and the circuit takes no notice. A probe goes on
   * without its caller, so that the circuit learns what it asked for.
   * @throws ReasonError DEPENDENCY_UNAVAILABLE with `retryAfterMs`, without calling, when the circuit is open or all places are taken;
   * ReasonError DEADLINE_EXCEEDED after `timeoutMs`; else what `call` threw
   */
  execute<T>(call: ProtectedCall<T>, options?: ExecuteOptions): Promise<T>;
  /** An open circuit whose time is over stays `open` until a call comes. An isolated one is `open`. */
  state(): CircuitState;
  /** Holds the circuit open until {@link Policy.release}. Idempotent. */
  isolate(): void;
  /** Closes an isolated circuit; nothing otherwise. */
  release(): void;
  isIsolated(): boolean;
  /** Calls `listener` with each state that the circuit enters, in order, until disposed of. It must not throw. */
  onStateChange(listener: (state: CircuitState) => void): Disposable;
}

const dryRunRefusals = counter('circuit_breaker.dry_run_refusals', {
  description: 'Calls that went through only because the policy is in dry-run mode, by target.',
  unit: '{call}',
});
const noRetry: RetryOptions = { attempts: 1, firstDelayMs: 1 };
const noOptions: ExecuteOptions = {};
/** What `retryAfterMs` says of a circuit that is held open by hand. */
const isolatedRetryMs = 5_000;

/**
 * Makes the policy of one dependency. Holds nothing that needs closing.
 * @throws RangeError when a number is not positive
 */
export function policy(options: PolicyOptions): Policy {
  const { name, timeoutMs, failureThreshold, openMs, maxConcurrent, mode = 'enforce' } = options;
  const { failureWindowMs = 30_000, maxOpenMs = openMs, successThreshold = 1 } = options;
  const { retry = noRetry } = options;
  refuseNonPositive({ timeoutMs, failureThreshold, failureWindowMs, openMs, maxConcurrent });
  refuseNonPositive({ maxOpenMs, successThreshold, ...retry });
  const period = openPeriod(openMs, maxOpenMs);
  const failures = failureRun(failureThreshold, failureWindowMs);
  const breaker = threeValuedBreaker(failures, period, successThreshold);
  const budget = retryBudget();
  const bounds = { name, timeoutMs, limits: timeLimits(timeoutMs) };
  let isolation: Disposable | undefined;
  let running = 0;
  reportCircuit(name, breaker);
  countRetries(name, 0);
  dryRunRefusals.add(0, { target: name });

  function once<T>(call: ProtectedCall<T>, { signal, remainingMs }: ExecuteOptions): Promise<T> {
    // Outside the breaker, so that a refusal for want of a place never counts as an answer. After `timeoutMs` each place has been freed once.
    if (running >= maxConcurrent) return Promise.reject(new RefusedCall(name, timeoutMs));
    const isImpatient = remainingMs !== undefined && remainingMs() < timeoutMs;
    if (breaker.state() !== 'closed') return onceOpened(call, signal, isImpatient);
    const begunIn = breaker.era();
    running++;
    return new Promise((resolve, reject) => {
      attempt(call, bounds, { signal, isImpatient }, (outcome) => {
        running--;
        const opening = breaker.ended(outcome.effect, begunIn);
        if (opening === undefined) settle(outcome.result, resolve, reject);
        else opening.then(() => settle(outcome.result, resolve, reject), reject);
      });
    });
  }

  async function onceOpened<T>(
    call: ProtectedCall<T>,
    signal: AbortSignal | undefined,
    isImpatient: boolean,
  ): Promise<T> {
    // A probe that its caller could cancel would either close the circuit without proof or reopen it without cause.
    const probe = async () => {
      running++;
      try {
        return await outcomeOf(call, undefined, isImpatient);
      } finally {
        running--;
      }
    };
    const outcome = await untilAborted(breaker.probe(probe), signal);
    return valueIn(outcome === 'refused' ? await refuse(call, signal) : outcome);
  }

  async function refuse<T>(call: ProtectedCall<T>, signal: AbortSignal | undefined) {
    // Without remaining time a probe is under way, which ends within `timeoutMs`.
    const waitMs = isolation ? isolatedRetryMs : period.remainingMs() || timeoutMs;
    if (mode === 'enforce' || isolation) throw new RefusedCall(name, waitMs);
    dryRunRefusals.add(1, { target: name });
    return outcomeOf(call, signal, false);
  }

  const outcomeOf = <T>(
    call: ProtectedCall<T>,
    signal: AbortSignal | undefined,
    isImpatient: boolean,
  ) =>
    new Promise<Outcome<T>>((resolve) => {
      attempt(call, bounds, { signal, isImpatient }, resolve);
    });

  return {
    name,
    timeoutMs,
    execute(call, options = noOptions) {
      const { isRepeatable = false, signal } = options;
      if (signal?.aborted) return Promise.reject(signal.reason);
      budget.earn();
      const first = once(call, options);
      if (!isRepeatable || retry.attempts === 1) return first;
      return retrying(first, () => once(call, options), name, retry, budget, options);
    },
    state: breaker.state,
    isolate() {
      isolation ??= breaker.isolate();
    },
    release() {
      isolation?.[Symbol.dispose]();
      isolation = undefined;
    },
    isIsolated: breaker.isIsolated,
    onStateChange: breaker.onStateChange,
  };
}

function settle<T>(
  result: PromiseSettledResult<T>,
  resolve: (value: T) => void,
  reject: (reason: unknown) => void,
): void {
  if (result.status === 'fulfilled') resolve(result.value);
  else reject(result.reason);
}

function valueIn<T>({ result }: Outcome<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

function refuseNonPositive(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value > 0)) throw new RangeError(`${name} must be positive, got ${value}`);
  }
}
