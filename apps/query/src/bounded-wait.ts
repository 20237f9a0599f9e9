import { ReasonError } from '@ordermesh/contract';
import type { CallContext } from '@ordermesh/rpc';
import { attribute, histogram } from '@ordermesh/telemetry';

const waited = histogram('query.min_version.wait', {
  description: 'Time that reads waited for a view to contain a write.',
  unit: 's',
});

/** Time kept back of the caller's deadline, so that the answer, be it an error, still gets there. */
const reserveMs = 150;

/**
 * Waits for a view to catch up, no longer than `maxMs` and the caller's deadline allow.
 * @param wait rejects with its signal's reason
 * @param tooLate makes the error of a wait that was in vain
 * @throws what `wait` throws; the error of `tooLate`
 */
export async function boundedWait<T>(
  call: CallContext,
  maxMs: number,
  wait: (signal: AbortSignal) => Promise<T>,
  tooLate: () => Promise<ReasonError>,
): Promise<T> {
  const timeout = new AbortController();
  const started = performance.now();
  const boundMs = Math.min(maxMs, call.remainingMs() - reserveMs);
  const timer = setTimeout(() => timeout.abort(), Math.max(0, boundMs));
  let outcome = 'reached';
  try {
    return await wait(AbortSignal.any([call.signal, timeout.signal]));
  } catch (error) {
    outcome = timeout.signal.aborted ? 'timeout' : 'error';
    throw timeout.signal.aborted && !call.signal.aborted ? await tooLate() : error;
  } finally {
    clearTimeout(timer);
    waited.record((performance.now() - started) / 1000, { [attribute.outcome]: outcome });
  }
}

/** The view is behind what the caller asked for: it may ask again in a second. */
export function behind(metadata: Readonly<Record<string, string>>): ReasonError {
  const message =
    'The view has not caught up with the write that you asked for: try again in a second.';
  return new ReasonError('EVENTUAL_CONSISTENCY_TIMEOUT', message, { metadata, retryAfterMs: 1000 });
}
