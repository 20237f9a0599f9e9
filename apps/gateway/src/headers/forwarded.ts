import type { IncomingHttpHeaders } from 'node:http';
import { invalidRequest } from '@ordermesh/rpc';
import { readIdempotencyKey } from './idempotency-key.ts';

/** Response metadata that clients get as headers, over every protocol. Everything else stays inside the mesh. */
const passedBack = [
  ...(['etag', 'consistency-token'] as const),
  ...(['x-ordermesh-degraded', 'x-ordermesh-stale'] as const),
];

/**
 * The request headers that travel on as metadata. An allow-list: `baggage`, cookies and whatever a client invents end here. Trace context
 * travels by instrumentation.
 * @throws ReasonError INVALID_REQUEST for values that are malformed or that gRPC metadata cannot hold
 */
export function forwardedMetadata(headers: IncomingHttpHeaders): Record<string, string> {
  const metadata: Record<string, string> = {};
  const key = headers['idempotency-key'];
  if (key !== undefined) metadata['idempotency-key'] = readIdempotencyKey(String(key));
  // Several lines arrive joined by commas, which is how the services read them.
  const token = headers['consistency-token'];
  if (token !== undefined)
    metadata['consistency-token'] = printable('Consistency-Token', String(token));
  return metadata;
}

/** The headers of an answer. */
export function answerHeaders(metadata: ReadonlyMap<string, string>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of passedBack) {
    const value = metadata.get(name);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

function printable(field: string, value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  throw invalidRequest([{ field, reason: 'header.ascii', detail: 'must be printable ASCII' }]);
}
