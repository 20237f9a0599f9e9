import { ReasonError } from '@ordermesh/contract';
import { invalidRequest } from '@ordermesh/rpc';
import type { FastifyReply } from 'fastify';

/** Largest request body, after any decoding, in bytes; the services have the same limit. */
export const maxBodyBytes = 256 * 1024;

/** Longest request target, in characters. */
export const maxUrlLength = 8 * 1024;

/** The refusal of a request target that is longer than {@link maxUrlLength}. */
export function urlTooLong(): ReasonError {
  const detail = `may have at most ${maxUrlLength} characters`;
  return invalidRequest([{ field: 'url', reason: 'url.length', detail }]);
}

const known: Readonly<Record<string, () => ReasonError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new ReasonError('BODY_TOO_LARGE', `The body may have at most ${maxBodyBytes} bytes.`),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new ReasonError('UNSUPPORTED_MEDIA_TYPE', 'The Content-Type cannot be read.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new ReasonError('MALFORMED_BODY', 'The body is not as long as its Content-Length says.'),
  // The router sees the path before any hook does.
  FST_ERR_MAX_PARAM_LENGTH: urlTooLong,
  ECONNRESET: () => new ReasonError('CANCELLED', 'The client went away.'),
  FST_ERR_BAD_URL: () =>
    invalidRequest([
      { field: 'path', reason: 'path.encoding', detail: 'is not percent-encoded UTF-8' },
    ]),
};

/** What fastify or Node complains about, in our words; any other error as it is. */
export function translated(error: unknown): unknown {
  const { code } = error as { readonly code?: unknown };
  return (typeof code === 'string' && Object.hasOwn(known, code) && known[code]?.()) || error;
}

/**
 * fastify closes the connection after a refused body, and a client that is still sending gets a reset instead of the answer. Without that
 * Node reads the rest and drops it; `requestTimeout` bounds how long.
 */
export function letClientFinish(error: ReasonError, reply: FastifyReply): void {
  if (error.reason === 'BODY_TOO_LARGE') reply.removeHeader('connection');
}
