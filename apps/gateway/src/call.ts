import type { ServerResponse } from 'node:http';
import { clientAddressHeader } from '@ordermesh/rpc';
import type { FastifyRequest } from 'fastify';
import { forwardedMetadata } from './headers/forwarded.ts';
import { requestedTimeoutMs } from './headers/timeout.ts';

/** What one request brings along to the call behind it, whichever protocol it came by. */
export interface Call {
  /** gRPC metadata to send on. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Aborts when the client goes away before it has its answer. */
  readonly signal: AbortSignal;
  /** Milliseconds until the client's deadline; negative when it has passed. */
  remainingMs(): number;
}

/**
 * Starts the call that `request` asks for.
 * @param request its time counts from `arrivedAt`: a slow upload uses up the client's time, not ours
 * @param maxTimeoutMs the deadline of requests without one, and the upper bound of those that ask for more
 * @throws ReasonError INVALID_REQUEST for malformed headers
 */
export function startCall(
  { headers, arrivedAt, client, token }: FastifyRequest,
  response: ServerResponse,
  maxTimeoutMs: number,
): Call {
  const deadline = arrivedAt + Math.min(requestedTimeoutMs(headers) ?? maxTimeoutMs, maxTimeoutMs);
  return {
    metadata: {
      ...forwardedMetadata(headers),
      [clientAddressHeader]: client,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    signal: goneSignal(response),
    remainingMs: () => deadline - performance.now(),
  };
}

// The request's own `close` fires as soon as its body is read; the response's when it is sent or its socket is lost.
function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}
