import type { RpcChannel } from '@ordermesh/rpc';

/** What a process says of itself, as grpc.health.v1 numbers it. */
export type Health = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING';

const bytes = (value: Buffer) => value;
const everything = Buffer.alloc(0); // HealthCheckRequest{service: ""}
// HealthCheckResponse{status}: field 1, a varint below 128.
const statusOf = (response: Buffer) =>
  (['UNKNOWN', 'SERVING', 'NOT_SERVING'] as const)[response[1] ?? 0] ?? 'UNKNOWN';

/** Follows the health of the peer from now on, until disposed. */
export function watchHealth({ client }: RpcChannel): Disposable & {
  readonly seen: readonly Health[];
} {
  const seen: Health[] = [];
  const path = '/grpc.health.v1.Health/Watch';
  const stream = client.makeServerStreamRequest(path, bytes, statusOf, everything);
  stream.on('data', (status: Health) => seen.push(status));
  stream.on('error', () => undefined); // cancelled by us, or the peer is gone
  return { seen, [Symbol.dispose]: () => stream.cancel() };
}

/**
 * Resolves when the peer has received all calls made on the channel before: they share one connection, whose frames arrive in order, and
 * this is the answer to one more call.
 */
export async function arrived({ client }: RpcChannel): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const path = '/grpc.health.v1.Health/Check';
  client.makeUnaryRequest(path, bytes, statusOf, everything, (error) =>
    error ? reject(error) : resolve(),
  );
  return promise;
}
