import { errors } from '@elastic/elasticsearch';
import { ViewsLostError } from '../views-lost-error.ts';

/** Elasticsearch cannot do now what was asked: overloaded, too slow, a shard or index is missing. The same request may succeed later. */
export class ElasticsearchUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ElasticsearchUnavailableError';
  }
}

const passingStatus = new Set([408, 429, 502, 503, 504]);

/**
 * True for every error that says "not now" rather than "never": no connection, no answer in time, 429, 502 to 504, a missing index or alias (not
 * made yet, or about to be restored). Whether a write happened is another question. The counterpart of `isPassing` of @ordermesh/postgres.
 */
export function isElasticsearchPassing(error: unknown): boolean {
  if (error instanceof errors.ResponseError)
    return passingStatus.has(error.statusCode ?? 0) || isIndexMissing(error);
  return (
    error instanceof ElasticsearchUnavailableError ||
    error instanceof ViewsLostError ||
    isLost(error) ||
    isTimeout(error)
  );
}

/** True when an index or alias that was asked for is not there. */
export function isIndexMissing(error: unknown): boolean {
  return typeOf(error) === 'index_not_found_exception';
}

/** True when the connection could not be made or broke; the outcome of what was sent is unknown. */
export function isLost(error: unknown): boolean {
  return (
    error instanceof errors.ConnectionError || error instanceof errors.NoLivingConnectionsError
  );
}

const isTimeout = (error: unknown) => error instanceof errors.TimeoutError;

/** HTTP status of an answer that is an error, undefined for all other errors. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof errors.ResponseError ? error.statusCode : undefined;
}

/** Elasticsearch's own name of an error, such as `resource_already_exists_exception`. */
export function typeOf(error: unknown): string | undefined {
  if (!(error instanceof errors.ResponseError)) return undefined;
  const type: unknown = error.body?.error?.type;
  return typeof type === 'string' ? type : undefined;
}
