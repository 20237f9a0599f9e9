import { ReasonError } from '@ordermesh/contract';
import { isPassing } from '@ordermesh/postgres';
import { isElasticsearchPassing } from '@ordermesh/read-model';
import type { CallContext } from '@ordermesh/rpc';
import { attribute, counter } from '@ordermesh/telemetry';
import type { ViewStore } from './views.ts';

const fallbacks = counter('ordermesh.query.fallback', {
  description: 'Reads that another store answered because the first one was not available.',
  unit: '{read}',
});

/** Makes the series of a store known that others stand in for. */
export const announceFallback = (store: ViewStore) =>
  fallbacks.add(0, { [attribute.dbSystem]: store.name });

/**
 * The answer of the first store that is available. An answer of another one carries `x-ordermesh-degraded` with the name of the store that
 * should have given it. Every store is asked in full, with its own checkpoint, so no fallback shows less than the caller's tokens name.
 * @param stores at least one, the best first
 * @param message of the error, for people
 * @throws ReasonError DEPENDENCY_UNAVAILABLE when none is available, else what `read` threw
 */
export async function firstAnswer<T>(
  stores: readonly ViewStore[],
  call: CallContext,
  read: (store: ViewStore) => Promise<T>,
  message = 'The order views are not available at the moment: try again.',
): Promise<T> {
  const [best] = stores;
  let failure: unknown;
  for (const store of stores) {
    try {
      const answer = await read(store);
      if (best !== undefined && store !== best) {
        fallbacks.add(1, { [attribute.dbSystem]: best.name });
        call.setHeader('x-ordermesh-degraded', best.name);
      }
      return answer;
    } catch (error) {
      if (call.signal.aborted || !isUnavailable(error)) throw error;
      failure ??= error;
    }
  }
  throw new ReasonError('DEPENDENCY_UNAVAILABLE', message, { cause: failure, retryAfterMs: 1000 });
}

/** Of a store, or of the policy in front of it; the caller's own deadline has aborted the call. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof ReasonError)
    return error.reason === 'DEPENDENCY_UNAVAILABLE' || error.reason === 'DEADLINE_EXCEEDED';
  return isPassing(error) || isElasticsearchPassing(error);
}
