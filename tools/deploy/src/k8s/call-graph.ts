import { environmentOf, secretFiles } from './environment.ts';
import { type Manifest, ofKind } from './manifest.ts';
import { madeByOperators } from './operators.ts';
import { matches } from './selector.ts';
import { podLabels, type Workload, workloadsOf } from './workloads.ts';

/** Who calls whom: `Deployment/gateway → Deployment/command:50051`, by the port that the called pods listen on. */
export type Edge = string;

const defaultPorts: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  postgres: 5432,
  redis: 6379,
};

/** Names that are compared, and called by nobody. */
const identifiers = ['AUTH_ISSUER', 'AUTH_AUDIENCE'];

/**
 * The calls that the settings of all processes lead to, each once.
 * @throws for a setting that names a service or a port of it that does not exist
 */
export function callGraph(manifests: readonly Manifest[]): Edge[] {
  const edges = workloadsOf(manifests).flatMap((workload) =>
    addressesOf(workload, manifests).map(
      (address) => `${workload.id} → ${target(address, workload, manifests)}`,
    ),
  );
  return [...new Set(edges)].sort();
}

interface Address {
  readonly setting: string;
  readonly host: string;
  readonly port: number;
}

function addressesOf(workload: Workload, manifests: readonly Manifest[]): Address[] {
  return workload.containers.flatMap((container) => {
    const files = secretFiles(workload, container, manifests);
    return Object.entries(environmentOf(container, manifests))
      .filter(
        ([setting]) =>
          (!identifiers.includes(setting) && !setting.startsWith('KAFKA_')) ||
          setting === 'KAFKA_BROKERS',
      )
      .flatMap(([setting, value]) =>
        (setting.endsWith('_FILE') ? (files.get(value) ?? '') : value)
          .split(',')
          .map((text) => addressIn(setting, text.trim()))
          .filter((address) => address !== undefined),
      );
  });
}

/** A URL, a gRPC target or `host:port`; whatever else a setting may be has none of these forms. */
function addressIn(setting: string, text: string): Address | undefined {
  const plain = /^(?:dns:\/\/\/)?([a-z][\w.-]*):(\d+)$/.exec(text);
  if (plain) return { setting, host: plain[1] ?? '', port: Number(plain[2]) };
  const scheme = /^(\w+):\/\/[^/]/.exec(text)?.[1] ?? '';
  if (!(scheme in defaultPorts)) return undefined;
  const url = new URL(text);
  return { setting, host: url.hostname, port: Number(url.port) || (defaultPorts[scheme] ?? 0) };
}

function target(
  { setting, host, port }: Address,
  { id, manifest }: Workload,
  manifests: readonly Manifest[],
): string {
  const [, name = '', namespace] =
    /^(?:[\w-]+\.)??([\w-]+)\.([\w-]+)\.svc(?:\.cluster\.local)?$/.exec(host) ?? [];
  if (namespace === undefined) return `outside:${port}`;
  if (namespace !== manifest.metadata.namespace) return `namespace ${namespace}:${port}`;
  const made = madeByOperators(manifests).services.find((service) => service.name === name);
  if (made !== undefined) return `${made.pods.id}:${port}`;
  const service = ofKind(manifests, 'Service').find(({ metadata }) => metadata.name === name);
  const servicePort = service?.spec.ports.find((one: { port: number }) => one.port === port);
  const pods = workloadsOf(manifests).find((workload) =>
    matches({ matchLabels: service?.spec.selector ?? { '': '' } }, podLabels(workload)),
  );
  const listening = pods?.containers
    .flatMap(({ ports = [] }) => ports)
    .find(
      (one) =>
        one.name === servicePort?.targetPort || one.containerPort === servicePort?.targetPort,
    );
  if (pods === undefined || listening === undefined)
    throw new Error(`${id}: ${setting} leads to ${host}:${port}, where nothing listens`);
  return `${pods.id}:${listening.containerPort}`;
}
