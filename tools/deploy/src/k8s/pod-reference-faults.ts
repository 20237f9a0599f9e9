import { type Manifest, ofKind } from './manifest.ts';
import { madeByOperators } from './operators.ts';
import { type Workload, workloadsOf } from './workloads.ts';

/** ConfigMaps and Secrets of a rendering: name → keys. */
type Keys = ReadonlyMap<string, readonly string[]>;

/** What pods refer to and a rendering does not have: ConfigMaps, Secrets and their keys, volumes, accounts, priorities, ports of probes; and what it has in vain. */
export function podReferenceFaults(manifests: readonly Manifest[]): string[] {
  const configMaps: Keys = new Map(
    ofKind(manifests, 'ConfigMap').map(({ metadata, data }) => [metadata.name, Object.keys(data)]),
  );
  const secrets: Keys = new Map([
    ...ofKind(manifests, 'Secret').map(
      ({ metadata, data }) => [metadata.name, Object.keys(data)] as const,
    ),
    ...madeByOperators(manifests).secrets.map(({ name, keys }) => [name, keys] as const),
  ]);
  const workloads = workloadsOf(manifests);
  if (workloads.length === 0) return [];
  const text = JSON.stringify(
    manifests.filter(({ kind }) => kind !== 'ConfigMap' && kind !== 'Secret'),
  );
  const unused = ofKind(manifests, 'ConfigMap', 'Secret')
    .filter(({ metadata }) => !new RegExp(`"(name|secretName)":"${metadata.name}"`).test(text))
    .map(({ kind, metadata }) => `${kind}/${metadata.name} is used by nothing`);
  const accounts = ofKind(manifests, 'ServiceAccount')
    .filter(
      ({ metadata }) =>
        !workloads.some(({ template }) => template.spec.serviceAccountName === metadata.name),
    )
    .map(({ metadata }) => `ServiceAccount/${metadata.name} is used by nothing`);
  return [
    ...workloads.flatMap((workload) =>
      [
        ...volumeFaults(workload, configMaps, secrets),
        ...containerFaults(workload, configMaps),
        ...nameFaults(workload, manifests),
      ].map((fault) => `${workload.id}: ${fault}`),
    ),
    ...unused,
    ...accounts,
  ];
}

interface Items {
  readonly items?: readonly { readonly key: string }[];
}

function volumeFaults(
  { template, containers, initContainers }: Workload,
  configMaps: Keys,
  secrets: Keys,
): string[] {
  const volumes: {
    name: string;
    secret?: Items & { secretName: string };
    configMap?: Items & { name: string };
  }[] = template.spec.volumes ?? [];
  const sources = volumes.flatMap(({ secret, configMap }) => [
    ...(secret ? missing('Secret', secret.secretName, secret, secrets) : []),
    ...(configMap ? missing('ConfigMap', configMap.name, configMap, configMaps) : []),
  ]);
  const mounted = [...containers, ...initContainers].flatMap(({ volumeMounts = [] }) =>
    volumeMounts.map(({ name }: { name: string }) => name),
  );
  return [
    ...sources,
    ...mounted
      .filter((name) => !volumes.some((volume) => volume.name === name))
      .map((name) => `there is no volume ${name}`),
    ...volumes
      .filter(({ name }) => !mounted.includes(name))
      .map(({ name }) => `nothing mounts volume ${name}`),
  ];
}

function missing(kind: string, name: string, { items = [] }: Items, known: Keys): string[] {
  const keys = known.get(name);
  if (keys === undefined) return [`there is no ${kind} ${name}`];
  return items
    .filter(({ key }) => !keys.includes(key))
    .map(({ key }) => `${kind} ${name} has no key ${key}`);
}

function containerFaults({ containers, initContainers }: Workload, configMaps: Keys): string[] {
  return [...containers, ...initContainers].flatMap((container) => {
    const ports = (container.ports ?? []).map(({ name }: { name: string }) => name);
    const probed = ['startupProbe', 'livenessProbe', 'readinessProbe']
      .map((name) => container[name]?.httpGet?.port ?? container[name]?.tcpSocket?.port)
      .filter((port) => port !== undefined && !ports.includes(port));
    const unknown = (container.envFrom ?? [])
      .map((source: { configMapRef?: { name: string } }) => source.configMapRef?.name ?? '')
      .filter((name: string) => !configMaps.has(name));
    return [
      ...probed.map(
        (port) => `container ${container.name} is probed at port ${port}, which it lacks`,
      ),
      ...unknown.map((name: string) => `there is no ConfigMap ${name}`),
    ];
  });
}

function nameFaults({ template: { spec } }: Workload, manifests: readonly Manifest[]): string[] {
  const named = (kind: string, name: string) =>
    manifests.some((one) => one.kind === kind && one.metadata.name === name)
      ? []
      : [`there is no ${kind} ${name}`];
  return [
    ...named('ServiceAccount', spec.serviceAccountName),
    ...named('PriorityClass', spec.priorityClassName),
  ];
}
