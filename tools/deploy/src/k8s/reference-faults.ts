import { type Manifest, ofKind } from './manifest.ts';
import { madeByOperators } from './operators.ts';
import { podReferenceFaults } from './pod-reference-faults.ts';
import { type LabelSelector, matches } from './selector.ts';
import { podLabels, workloadsOf } from './workloads.ts';

/** What a rendering refers to and does not have, and what it has and nobody refers to; one line each. */
export function referenceFaults(manifests: readonly Manifest[]): string[] {
  return [
    ...podReferenceFaults(manifests),
    ...selectorFaults(manifests),
    ...serviceFaults(manifests),
    ...scalerFaults(manifests),
    ...certificateFaults(manifests),
    ...routeFaults(manifests),
    ...kafkaFaults(manifests),
    ...postgresFaults(manifests),
  ];
}

const id = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`;

function has(manifests: readonly Manifest[], kind: string, name: string): boolean {
  return manifests.some((one) => one.kind === kind && one.metadata.name === name);
}

/** Everything that selects pods must find some, an operator's or ours. */
function selectorFaults(manifests: readonly Manifest[]): string[] {
  const labels = [
    ...workloadsOf(manifests).map(podLabels),
    ...madeByOperators(manifests).pods.map((pods) => pods.labels),
  ];
  const finds = (selector: LabelSelector) => labels.some((one) => matches(selector, one));
  const selecting: [Manifest, LabelSelector | undefined][] = [
    ...ofKind(manifests, 'PodDisruptionBudget', 'PodMonitor').map(
      (one) => [one, one.spec.selector] as [Manifest, LabelSelector],
    ),
    ...ofKind(manifests, 'NetworkPolicy').map(
      (one) => [one, one.spec.podSelector] as [Manifest, LabelSelector],
    ),
    ...ofKind(manifests, 'Service').map(
      (one) => [one, { matchLabels: one.spec.selector }] as [Manifest, LabelSelector],
    ),
  ];
  if (labels.length === 0) return [];
  const peers = ofKind(manifests, 'NetworkPolicy').flatMap((policy) =>
    [...(policy.spec.ingress ?? []), ...(policy.spec.egress ?? [])]
      .flatMap(({ from = [], to = [] }) => [...from, ...to])
      .filter((peer) => peer.podSelector && !peer.namespaceSelector)
      .map((peer) => [policy, peer.podSelector] as [Manifest, LabelSelector]),
  );
  const own = workloadsOf(manifests)
    .filter(({ manifest }) => manifest.kind !== 'Job')
    .filter((workload) => !matches(workload.manifest.spec.selector, podLabels(workload)))
    .map((workload) => `${workload.id} does not select its own pods`);
  return [
    ...own,
    ...[...selecting, ...peers]
      .filter(([, selector]) => selector === undefined || !finds(selector))
      .map(([one]) => `${id(one)} selects no pods`),
  ];
}

function serviceFaults(manifests: readonly Manifest[]): string[] {
  const services = ofKind(manifests, 'Service').flatMap((service) => {
    const ports = workloadsOf(manifests)
      .filter((one) => matches({ matchLabels: service.spec.selector }, podLabels(one)))
      .flatMap(({ containers }) => containers.flatMap((container) => container.ports ?? []));
    return (service.spec.ports as { targetPort: string }[])
      .filter(({ targetPort }) => !ports.some(({ name }) => name === targetPort))
      .map(({ targetPort }) => `${id(service)} leads to port ${targetPort}, which its pods lack`);
  });
  const monitors = ofKind(manifests, 'PodMonitor').flatMap((monitor) =>
    workloadsOf(manifests)
      .filter((one) => matches(monitor.spec.selector, podLabels(one)))
      .flatMap((one) =>
        (monitor.spec.podMetricsEndpoints as { port: string }[])
          .filter(
            ({ port }) =>
              !one.containers.some(({ ports = [] }) =>
                ports.some((p: { name: string }) => p.name === port),
              ),
          )
          .map(({ port }) => `${id(monitor)} scrapes port ${port}, which ${one.id} lacks`),
      ),
  );
  const sets = ofKind(manifests, 'StatefulSet')
    .filter(({ spec }) => !has(manifests, 'Service', spec.serviceName))
    .map((set) => `${id(set)}: there is no Service ${set.spec.serviceName}`);
  return [...services, ...monitors, ...sets];
}

function scalerFaults(manifests: readonly Manifest[]): string[] {
  return ofKind(manifests, 'HorizontalPodAutoscaler', 'ScaledObject')
    .filter(({ spec: { scaleTargetRef: target } }) => !has(manifests, target.kind, target.name))
    .map((one) => `${id(one)} scales ${one.spec.scaleTargetRef.name}, which does not exist`);
}

function certificateFaults(manifests: readonly Manifest[]): string[] {
  const dangling = ofKind(manifests, 'Certificate')
    .filter(
      ({ spec: { issuerRef } }) =>
        issuerRef.kind === 'Issuer' && !has(manifests, 'Issuer', issuerRef.name),
    )
    .map((one) => `${id(one)}: there is no Issuer ${one.spec.issuerRef.name}`);
  const authorities = ofKind(manifests, 'Issuer')
    .filter(({ spec }) => spec.ca !== undefined)
    .filter(
      ({ spec }) =>
        !ofKind(manifests, 'Certificate').some((one) => one.spec.secretName === spec.ca.secretName),
    )
    .map((one) => `${id(one)}: no Certificate makes Secret ${one.spec.ca.secretName}`);
  return [...dangling, ...authorities];
}

function routeFaults(manifests: readonly Manifest[]): string[] {
  const made = madeByOperators(manifests).secrets.map(({ name }) => name);
  const gateways = ofKind(manifests, 'Gateway');
  const listeners = gateways.flatMap((gateway) =>
    (
      gateway.spec.listeners as {
        name: string;
        hostname: string;
        tls?: { certificateRefs: { name: string }[] };
      }[]
    ).map((listener) => ({ gateway, listener })),
  );
  const secrets = listeners.flatMap(({ gateway, listener }) =>
    (listener.tls?.certificateRefs ?? [])
      .filter(({ name }) => !made.includes(name))
      .map(({ name }) => `${id(gateway)}: no Certificate makes Secret ${name}`),
  );
  const routes = ofKind(manifests, 'HTTPRoute').flatMap((route) => {
    const parents = (route.spec.parentRefs as { name: string; sectionName: string }[]).map(
      (parent) => {
        const found = listeners.find(
          ({ gateway, listener }) =>
            gateway.metadata.name === parent.name && listener.name === parent.sectionName,
        );
        if (found === undefined)
          return `${id(route)}: there is no listener ${parent.name}/${parent.sectionName}`;
        const isOf = route.spec.hostnames.every((name: string) => name === found.listener.hostname);
        return isOf ? undefined : `${id(route)} is for another host than its listener`;
      },
    );
    const backends = (route.spec.rules as { backendRefs?: { name: string; port: number }[] }[])
      .flatMap(({ backendRefs = [] }) => backendRefs)
      .filter(({ name, port }) => {
        const service = ofKind(manifests, 'Service').find(({ metadata }) => metadata.name === name);
        return !service?.spec.ports.some((one: { port: number }) => one.port === port);
      })
      .map(({ name, port }) => `${id(route)} leads to ${name}:${port}, which does not exist`);
    return [...parents.filter((fault) => fault !== undefined), ...backends];
  });
  return [...secrets, ...routes];
}

/** Topics and pools name their cluster; the trigger of an autoscaler names a topic and its brokers. */
function kafkaFaults(manifests: readonly Manifest[]): string[] {
  const clusters = ofKind(manifests, 'KafkaTopic', 'KafkaNodePool')
    .filter(
      ({ metadata }) => !has(manifests, 'Kafka', metadata.labels?.['strimzi.io/cluster'] ?? ''),
    )
    .map((one) => `${id(one)}: its cluster does not exist`);
  const brokers = ofKind(manifests, 'ConfigMap').map(({ data }) => data?.KAFKA_BROKERS);
  const triggers = ofKind(manifests, 'ScaledObject').flatMap((one) =>
    (one.spec.triggers as { type: string; metadata: Record<string, string> }[])
      .filter(({ type }) => type === 'kafka')
      .flatMap(({ metadata: { topic = '', bootstrapServers } }) => [
        ...(has(manifests, 'KafkaTopic', topic) ? [] : [`${id(one)}: there is no topic ${topic}`]),
        ...(brokers.includes(bootstrapServers)
          ? []
          : [`${id(one)} looks at other brokers than ours`]),
      ]),
  );
  return [...clusters, ...triggers];
}

function postgresFaults(manifests: readonly Manifest[]): string[] {
  return ofKind(manifests, 'ScheduledBackup')
    .filter(({ spec }) => !has(manifests, 'Cluster', spec.cluster.name))
    .map((one) => `${id(one)}: there is no Cluster ${one.spec.cluster.name}`);
}
