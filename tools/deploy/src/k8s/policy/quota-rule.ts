import { type Manifest, ofKind } from '../manifest.ts';
import { quantity } from '../quantity.ts';
import { type Container, replicasOf, workloadsOf } from '../workloads.ts';
import type { Rule } from './rule.ts';

/** So many pods of so many containers. */
interface Share {
  readonly pods: number;
  readonly containers: readonly Container[];
}

/** Every workload at its largest, and one pod more of each while it rolls, must fit into the quota, and so must what operators make. */
export const quotaRule: Rule = (manifests) => {
  const [quota] = ofKind(manifests, 'ResourceQuota');
  const [range] = ofKind(manifests, 'LimitRange');
  if (quota === undefined || range === undefined) return [];
  const defaults = range.spec.limits[0];
  const shares: Share[] = [
    ...workloadsOf(manifests).map((workload) => ({
      pods: replicasOf(workload, manifests).max + (workload.manifest.kind === 'Deployment' ? 1 : 0),
      containers: workload.containers,
    })),
    ...ofKind(manifests, 'KafkaNodePool').map(({ spec }) => one(spec.replicas, spec.resources)),
    ...ofKind(manifests, 'Kafka').map(({ spec }) =>
      one(1, spec.entityOperator.topicOperator.resources),
    ),
    ...ofKind(manifests, 'Cluster').map(({ spec }) => one(spec.instances, spec.resources)),
    ...ofKind(manifests, 'Elasticsearch').flatMap(({ spec }) =>
      spec.nodeSets.map((set: { count: number; podTemplate: Manifest }) => ({
        pods: set.count,
        containers: set.podTemplate.spec.containers,
      })),
    ),
  ];
  const sum = (kind: 'requests' | 'limits', name: string) =>
    shares.reduce((total, { pods, containers }) => {
      const fallback = kind === 'requests' ? defaults.defaultRequest : defaults.default;
      const each = containers.map(
        (container) => container.resources?.[kind]?.[name] ?? fallback[name],
      );
      return total + pods * each.reduce((all, value) => all + quantity(value), 0);
    }, 0);
  const needed: Record<string, number> = { pods: shares.reduce((all, { pods }) => all + pods, 0) };
  for (const kind of ['requests', 'limits'] as const)
    for (const name of ['cpu', 'memory', 'ephemeral-storage'])
      needed[`${kind}.${name}`] = sum(kind, name);
  return Object.entries(needed)
    .filter(([name, need]) => !(need <= quantity(quota.spec.hard[name] ?? 0)))
    .map(
      ([name, need]) =>
        `ResourceQuota: all at their largest need ${need} ${name}, it allows ${quota.spec.hard[name]}`,
    );
};

function one(pods: number, resources: object): Share {
  return { pods, containers: [{ name: 'made by an operator', resources }] };
}
