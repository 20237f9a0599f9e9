import { ReasonError } from '@ordermesh/contract';
import { CorruptStreamError } from '@ordermesh/order';
import { logger } from '@ordermesh/telemetry';

const log = logger('command');

/** What callers may see of an error of the log or of a damaged stream; anything that no caller can mend is logged with its order. */
export function toReason(error: unknown, orderId: string): ReasonError {
  if (error instanceof ReasonError) return error;
  const corrupt = error instanceof CorruptStreamError ? error : undefined;
  log.error({ err: error, orderId, version: corrupt?.version }, 'the order cannot be processed');
  const message = 'Internal error; the trace id leads to its log line.';
  return new ReasonError(corrupt?.reason ?? 'INTERNAL', message, { cause: error });
}
