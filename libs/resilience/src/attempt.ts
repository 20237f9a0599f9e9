import { ReasonError } from '@ordermesh/contract';
import { codeOf, type Effect, effectOf } from './effect.ts';
import type { Outcome } from './three-valued-breaker.ts';

/** Options of {@link attempt}. */
export interface AttemptOptions {
  /** Of the dependency, for the error. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Undefined for a call that must run to its end without its caller. */
  readonly caller: AbortSignal | undefined;
  /** Its caller allows less time than an attempt may take: when that is over, it says nothing about the dependency. */
  readonly isImpatient: boolean;
}

/**
 * One attempt with a time limit; never rejects, and settles within `timeoutMs` even if the call ignores its signal. A call whose caller went away says
 * nothing about the dependency, whatever it ends with, and settles at once. (cockatiel's `timeout` calls both ends of a signal a timeout, and aborts the
 * signal of every call that succeeds.)
 */
export function attempt<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { name, timeoutMs, caller, isImpatient }: AttemptOptions,
): Promise<Outcome<T>> {
  if (caller?.aborted) return Promise.resolve(failed('ignored', caller.reason));
  return new Promise((resolve) => {
    const controller = new AbortController();
    const end = (outcome: Outcome<T>) => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', gone);
      resolve(outcome);
    };
    const giveUp = (effect: Effect, reason: unknown) => {
      end(failed(effect, reason)); // first: the call may settle within `abort`
      controller.abort(reason);
    };
    const gone = () => giveUp('ignored', caller?.reason);
    const effect = (error: unknown) =>
      isImpatient && codeOf(error) === 'DEADLINE_EXCEEDED' ? 'ignored' : effectOf(error);
    const timer = setTimeout(() => {
      const error = tooLate(name, timeoutMs);
      giveUp(effect(error), error);
    }, timeoutMs);
    caller?.addEventListener('abort', gone, { once: true });
    started(call, controller.signal).then(
      (value) => end({ effect: 'success', result: { status: 'fulfilled', value } }),
      (error: unknown) => end(failed(effect(error), error)),
    );
  });
}

/** A call that throws before it has a promise is one that rejects. */
async function started<T>(call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal) {
  return call(signal);
}

const failed = (effect: Effect, reason: unknown): Outcome<never> => ({
  effect,
  result: { status: 'rejected', reason },
});

const tooLate = (name: string, timeoutMs: number) =>
  new ReasonError('DEADLINE_EXCEEDED', `${name} did not answer within ${timeoutMs} ms`);
