import { ReasonError } from '@ordermesh/contract';
import {
  isConnectionLoss,
  isReadOnly,
  isSerialization,
  isServerTimeout,
  NoConnectionError,
} from '@ordermesh/postgres';
import type { CallContext } from '@ordermesh/rpc';

const retryAfterMs = 1000;

const unavailable = (cause: unknown) =>
  new ReasonError(
    'DEPENDENCY_UNAVAILABLE',
    'Customers cannot be reached at the moment; try again.',
    {
      retryAfterMs,
      cause,
    },
  );

const outcomeUnknown = (cause: unknown) =>
  new ReasonError(
    'OUTCOME_UNKNOWN',
    'The customer may or may not be registered; look the id up, then try again.',
    { retryAfterMs, cause },
  );

/** What a statement does, which decides what its loss means. */
export type Kind = 'read' | 'write';

/**
 * Runs database work within nine tenths of the time that the call has left: a database that is silent rather than gone must end as
 * DEPENDENCY_UNAVAILABLE, and the answer has to arrive before the caller's own deadline does.
 * @throws ReasonError DEPENDENCY_UNAVAILABLE where nothing happened, OUTCOME_UNKNOWN where a write may have; the work's error when the
 * database is not at fault, or the call has ended
 */
export async function withDatabase<T>(
  kind: Kind,
  call: Pick<CallContext, 'signal' | 'remainingMs'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(), call.remainingMs() * 0.9);
  try {
    return await work(AbortSignal.any([call.signal, silent.signal]));
  } catch (error) {
    if (call.signal.aborted) throw error;
    throw fault(kind, error, silent.signal.aborted);
  } finally {
    clearTimeout(timer);
  }
}

function fault(kind: Kind, error: unknown, silent: boolean): unknown {
  const nothingHappened =
    error instanceof NoConnectionError ||
    isServerTimeout(error) ||
    isSerialization(error) ||
    isReadOnly(error);
  if (nothingHappened) return unavailable(error);
  if (!silent && !isConnectionLoss(error)) return error;
  return kind === 'write' ? outcomeUnknown(error) : unavailable(error);
}
