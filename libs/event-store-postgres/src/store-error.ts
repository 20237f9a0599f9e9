import { ReasonError } from '@ordermesh/contract';
import { isPassing, sqlState } from '@ordermesh/postgres';

/** What callers hear of a command whose connection was lost, when nobody could find out what became of it. */
export function outcomeUnknown(cause: unknown): Error {
  return new ReasonError(
    'OUTCOME_UNKNOWN',
    'The connection to the event log was lost; the command may or may not have taken effect. Send it again with the same idempotency key, or look first.',
    { cause, retryAfterMs: 1000 },
  );
}

/** What callers hear of a command that was certainly not stored, and may be sent again. */
export function notStored(cause: unknown): Error {
  return new ReasonError(
    'DEPENDENCY_UNAVAILABLE',
    'The event log is not available; nothing was changed.',
    { cause, retryAfterMs: 1000 },
  );
}

/** What callers hear of an error while reading, and of one that certainly changed nothing. */
export function storeError(error: unknown): Error {
  if (isPassing(error)) return notStored(error);
  if (sqlState(error) !== undefined)
    return new ReasonError('INTERNAL', 'Internal error', { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

/** What one caller hears whose data the database refused (classes 22 and 23), when nothing else is in the batch. */
export function dataError(error: unknown): Error {
  const state = sqlState(error);
  if (state === '22P02') return new Error('the data of an event is not JSON', { cause: error });
  if (!state?.startsWith('22')) return storeError(error);
  return new ReasonError(
    'INVALID_REQUEST',
    'The command has a value that cannot be stored, e.g. the character U+0000.',
    {
      cause: error,
    },
  );
}
