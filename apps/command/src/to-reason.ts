import { ReasonError } from '@ordermesh/contract';
import { CorruptStreamError } from '@ordermesh/order';
import { logger } from '@ordermesh/telemetry';

const log = logger('command');

/** What callers may see of an error of the log or of a damaged stream. */
export function toReason(error: unknown, orderId: string): unknown {
  if (!(error instanceof CorruptStreamError)) return error;
  log.error({ err: error, orderId, version: error.version }, 'the stored stream is damaged');
  const message = 'Internal error; the trace id leads to its log line.';
  return new ReasonError(error.reason, message, { cause: error });
}
