import { durationMs, onOff, text } from '@ordermesh/service';

const loopback = ['127.0.0.1', '::1', 'localhost'];

/** The settings of every process that serves gRPC. */
export const rpcSettings = {
  host: text('HOST', { doc: 'Address to listen on.', default: '127.0.0.1' }),
  requestTimeoutMs: durationMs('REQUEST_TIMEOUT_MS', {
    doc: 'Deadline of calls that come without one.',
    default: 2_000,
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
  return reflection ?? loopback.includes(host);
}
