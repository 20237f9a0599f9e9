import { ReasonError } from '@ordermesh/contract';
import { untilAborted } from '@ordermesh/service';
import { counter } from '@ordermesh/telemetry';
import { codeOf } from './effect.ts';
import { RefusedCall } from './refused-call.ts';
import type { RetryBudget } from './retry-budget.ts';

/** How often and when a call is tried again. */
export interface RetryOptions {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Mean wait before the second attempt, in milliseconds; doubles with each further one. */
  readonly firstDelayMs: number;
}

/** What one call allows. */
export interface RetryCall {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the caller's deadline; undefined when there is none. */
  readonly remainingMs?: (() => number) | undefined;
}

const retries = counter('ordermesh.retries', {
  description: 'Attempts beyond the first, by target.',
  unit: '{attempt}',
});
/** Adds to the attempts beyond the first; 0 makes the series known. */
export const countRetries = (target: string, attempts: number) => retries.add(attempts, { target });
/** With less left after the wait nobody can answer. */
const leastUsefulMs = 10;

/**
 * Tries a call that may safely be repeated again, while its caller waits, its deadline leaves time, and the budget lasts. cockatiel's `retry`
 * looks at none of them, and calls again after its caller has gone: 270 ms after, reproduced.
 * @param first the first attempt, under way
 * @param target for the metric
 */
export async function retrying<T>(
  first: Promise<T>,
  again: () => Promise<T>,
  target: string,
  { attempts, firstDelayMs }: RetryOptions,
  budget: RetryBudget,
  { signal, remainingMs }: RetryCall,
): Promise<T> {
  let attempt = first;
  for (let failures = 1; ; failures++) {
    try {
      return await attempt;
    } catch (error) {
      const delayMs = waitBefore(error, firstDelayMs * 2 ** (failures - 1));
      const isTime = remainingMs === undefined || remainingMs() >= delayMs + leastUsefulMs;
      if (
        failures >= attempts ||
        !isTime ||
        signal?.aborted ||
        !isRetryable(error) ||
        !budget.spend()
      )
        throw error;
      await wait(delayMs, signal);
      countRetries(target, 1);
      attempt = again();
    }
  }
}

/** @throws the signal's reason */
async function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, delayMs);
  await untilAborted(over.promise, signal).finally(() => clearTimeout(timer));
}

/** Half to one and a half of the mean, so that callers who failed together do not come back together; never earlier than asked for. */
function waitBefore(error: unknown, meanMs: number): number {
  const jittered = meanMs * (0.5 + Math.random());
  const asked = isPushback(error) ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(jittered, asked);
}

/** Unreachable, or too late, or "later" with a time. An open circuit is not tried again: it says nothing new so soon. */
function isRetryable(error: unknown): boolean {
  if (error instanceof RefusedCall) return false;
  const code = codeOf(error);
  if (error instanceof ReasonError && error.reason === 'OVERLOADED') return false;
  return code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED' || isPushback(error);
}

const isPushback = (error: unknown): error is ReasonError =>
  error instanceof ReasonError &&
  error.code === 'RESOURCE_EXHAUSTED' &&
  error.retryAfterMs !== undefined;
