import { ReasonError } from '@ordermesh/contract';
import { isTaskCancelledError, TimeoutStrategy, timeout } from 'cockatiel';
import { type Effect, effectOf } from './effect.ts';
import type { Outcome } from './three-valued-breaker.ts';

/**
 * One attempt with a time limit; never rejects, and settles within `timeoutMs` even if the call ignores its signal. A call whose caller went away says
 * nothing about the dependency, whatever it ends with.
 * @param name of the dependency, for the error
 * @param caller undefined for a call that must run to its end without its caller
 */
export async function attempt<T>(
  call: (signal: AbortSignal) => Promise<T>,
  name: string,
  timeoutMs: number,
  caller: AbortSignal | undefined,
): Promise<Outcome<T>> {
  try {
    const limit = timeout(timeoutMs, TimeoutStrategy.Aggressive);
    const value = await limit.execute(({ signal }) => call(signal), caller);
    return { effect: 'success', result: { status: 'fulfilled', value } };
  } catch (error) {
    // First: cockatiel calls both ends of a signal a timeout.
    if (caller?.aborted) return failed('ignored', caller.reason);
    if (isTaskCancelledError(error)) return failed('failure', tooLate(name, timeoutMs, error));
    return failed(effectOf(error), error);
  }
}

const failed = (effect: Effect, reason: unknown): Outcome<never> => ({
  effect,
  result: { status: 'rejected', reason },
});

const tooLate = (name: string, timeoutMs: number, cause: unknown) =>
  new ReasonError('DEADLINE_EXCEEDED', `${name} did not answer within ${timeoutMs} ms`, { cause });
