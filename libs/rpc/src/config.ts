import { durationMs, host, isLoopback, maxConcurrentRequests, onOff } from '@ordermesh/service';

/** The settings of every process that serves gRPC. */
export const rpcSettings = {
  host,
  maxConcurrentRequests,
  requestTimeoutMs: durationMs('REQUEST_TIMEOUT_MS', {
    doc: 'Deadline of calls that come without one.',
    default: 2_000,
    min: 1,
  }),
  reflection: onOff('GRPC_REFLECTION', {
    doc: 'Whether to serve gRPC reflection. Default: only on a loopback address.',
    optional: true,
  }),
};

/** Whether to serve reflection: it shows the whole surface to whoever can connect, so only loopback has it unasked. */
export function reflectionOn({
  host,
  reflection,
}: {
  host: string;
  reflection: boolean | undefined;
}): boolean {
  return reflection ?? isLoopback(host);
}
