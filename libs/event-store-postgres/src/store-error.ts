import { ReasonError } from '@ordermesh/contract';
import { isConnectionLoss, isPassing, NoConnectionError, sqlState } from '@ordermesh/postgres';

/** What callers hear of an error while writing; SQL stays in `cause`. */
export function writeError(error: unknown): Error {
  if (isConnectionLoss(error) && !(error instanceof NoConnectionError)) {
    return new ReasonError(
      'OUTCOME_UNKNOWN',
      'The connection to the event log was lost; the command may or may not have taken effect. Send it again with the same idempotency key, or look first.',
      { cause: error, retryAfterMs: 1000 },
    );
  }
  return storeError(error);
}

/** What callers hear of an error while reading, and of one that certainly changed nothing. */
export function storeError(error: unknown): Error {
  if (isPassing(error)) {
    return new ReasonError(
      'DEPENDENCY_UNAVAILABLE',
      'The event log is not available; nothing was changed.',
      {
        cause: error,
        retryAfterMs: 1000,
      },
    );
  }
  if (sqlState(error) !== undefined)
    return new ReasonError('INTERNAL', 'Internal error', { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

/** What one caller hears whose data the database refused (classes 22 and 23), when nothing else is in the batch. */
export function dataError(error: unknown): Error {
  if (!sqlState(error)?.startsWith('22')) return storeError(error);
  return new ReasonError(
    'INVALID_REQUEST',
    'The command has a value that cannot be stored, e.g. the character U+0000.',
    {
      cause: error,
    },
  );
}
