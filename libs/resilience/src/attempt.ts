import { ReasonError } from '@ordermesh/contract';
import { codeOf, type Effect, effectOf } from './effect.ts';
import type { Outcome } from './three-valued-breaker.ts';
import type { Limited, TimeLimits } from './time-limits.ts';

/** What a call may know of the attempt that it is. */
export interface Attempt {
  /** Fires when nobody waits any more. Made when first asked for: with its garbage collected one takes as long as all else here. */
  readonly signal: AbortSignal;
}

/** A call to be protected. */
export type ProtectedCall<T> = (attempt: Attempt) => Promise<T>;

/** What all attempts of a policy share. */
export interface AttemptBounds {
  /** Of the dependency, for the error. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Of `timeoutMs`. */
  readonly limits: TimeLimits;
}

/** Who waits for an attempt. */
export interface AttemptCaller {
  /** Undefined for a call that must run to its end without its caller. */
  readonly signal: AbortSignal | undefined;
  /** Its caller allows less time than an attempt may take: when that is over, it says nothing about the dependency. */
  readonly isImpatient: boolean;
}

/**
 * One attempt with a time limit, which ends within `timeoutMs` even if the call ignores its signal. A call whose caller went away says
 * nothing about the dependency, whatever it ends with, and ends at once. (cockatiel's `timeout` calls both ends of a signal a timeout, and aborts the
 * signal of every call that succeeds.)
 * @param ended called once, within this when the caller has gone already; a callback, since each promise on the way costs the call 0.1 µs
 */
export function attempt<T>(
  call: ProtectedCall<T>,
  bounds: AttemptBounds,
  caller: AttemptCaller,
  ended: (outcome: Outcome<T>) => void,
): void {
  new Running(bounds, caller, ended).start(call);
}

/** From its start to its one end: by the call, the time, or the caller. */
class Running<T> implements Attempt, Limited {
  readonly startedAt = performance.now();
  earlier: Limited['earlier'] = undefined;
  later: Limited['later'] = undefined;
  readonly #bounds: AttemptBounds;
  readonly #caller: AttemptCaller;
  readonly #ended: (outcome: Outcome<T>) => void;
  #controller: AbortController | undefined;
  #isOver = false;
  #reason: unknown;

  constructor(bounds: AttemptBounds, caller: AttemptCaller, ended: (outcome: Outcome<T>) => void) {
    this.#bounds = bounds;
    this.#caller = caller;
    this.#ended = ended;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  start(call: ProtectedCall<T>): void {
    const { signal } = this.#caller;
    if (signal?.aborted) {
      this.handleEvent();
      return;
    }
    this.#bounds.limits.add(this);
    signal?.addEventListener('abort', this, { once: true });
    started(call, this).then(
      (value) => this.#end({ effect: 'success', result: { status: 'fulfilled', value } }),
      (error: unknown) => this.#end(failed(this.#effectOf(error), error)),
    );
  }

  /** The caller has gone. */
  handleEvent(): void {
    this.#giveUp('ignored', this.#caller.signal?.reason);
  }

  over(): void {
    const { name, timeoutMs } = this.#bounds;
    const error = new ReasonError(
      'DEADLINE_EXCEEDED',
      `${name} did not answer within ${timeoutMs} ms`,
    );
    this.#giveUp(this.#effectOf(error), error);
  }

  #giveUp(effect: Effect, reason: unknown): void {
    this.#end(failed(effect, reason)); // first: the call may settle within `abort`
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  #end(outcome: Outcome<T>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#bounds.limits.remove(this);
    this.#caller.signal?.removeEventListener('abort', this);
    this.#ended(outcome);
  }

  #effectOf(error: unknown): Effect {
    return this.#caller.isImpatient && codeOf(error) === 'DEADLINE_EXCEEDED'
      ? 'ignored'
      : effectOf(error);
  }
}

/** A call that throws before it has a promise is one that rejects. */
function started<T>(call: ProtectedCall<T>, attempt: Attempt): Promise<T> {
  try {
    return call(attempt);
  } catch (error) {
    return Promise.reject(error);
  }
}

const failed = (effect: Effect, reason: unknown): Outcome<never> => ({
  effect,
  result: { status: 'rejected', reason },
});
