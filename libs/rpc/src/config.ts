import {
  custom,
  durationMs,
  host,
  isLoopback,
  maxConcurrentRequests,
  onOff,
  type Setting,
  tlsFiles,
} from '@ordermesh/service';

/** The settings of every process that serves gRPC. */
export const rpcSettings = {
  ...tlsFiles,
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

const hostPort = String.raw`(\[[0-9a-fA-F:.]+\]|[^\s:/,\[\]]+):\d{1,5}`;
const targets = new RegExp(
  `^(${hostPort}|dns:(//[^/\\s]*/)?${hostPort}|ipv[46]:${hostPort}(,${hostPort})*|xds:///\\S+)$`,
);

/** Where a service of the mesh is: one address, a name that stands for several, or a list; calls go to all of them in turn. */
export function grpcTarget(
  variable: string,
  options: { readonly doc: string; readonly default: string },
): Setting<string> {
  return custom(variable, {
    ...options,
    expects: 'host:port, dns:///host:port, or ipv4:address:port,address:port',
    parse: (value) => (targets.test(value) ? value : undefined),
  });
}
