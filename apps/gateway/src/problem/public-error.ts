import { trace } from '@opentelemetry/api';
import { ReasonError } from '@ordermesh/contract';
import { toReasonError } from '@ordermesh/rpc';
import { activeTraceId, attribute, logger } from '@ordermesh/telemetry';

const log = logger('edge');

/**
 * Any error as the one that the client may see, whichever protocol it speaks; to be called once per failed request. What is INTERNAL is
 * logged here with all it has and leaves only a fixed sentence and the trace id, also when the text came from another process of ours.
 */
export function publicError(error: unknown): ReasonError {
  const known = toReasonError(error);
  const span = trace.getActiveSpan();
  // When the client went away its span has ended.
  if (span?.isRecording()) span.setAttribute(attribute.reason, known.reason);
  if (known.code !== 'INTERNAL') return known;
  log.error({ err: error, reason: known.reason }, 'request failed');
  const traceId = activeTraceId();
  const quote = traceId ? ` Quote trace id ${traceId} when you report it.` : '';
  return new ReasonError(known.reason, `Something went wrong on our side.${quote}`);
}
