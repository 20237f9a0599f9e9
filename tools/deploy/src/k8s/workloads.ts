import { type Manifest, type Metadata, ofKind } from './manifest.ts';
import { matches } from './selector.ts';

/** A container of a pod, as far as rules look at it. */
// biome-ignore lint/suspicious/noExplicitAny: read by path; its type is checked elsewhere
export type Container = Readonly<Record<string, any>> & { readonly name: string };

/** Something that makes pods. */
export interface Workload {
  readonly manifest: Manifest;
  /** `Deployment/gateway`. */
  readonly id: string;
  readonly template: { readonly metadata: Metadata; readonly spec: Container };
  /** The long-running ones. */
  readonly containers: readonly Container[];
  readonly initContainers: readonly Container[];
}

/** Everything in a rendering that makes pods. */
export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return ofKind(manifests, 'Deployment', 'StatefulSet', 'DaemonSet', 'Job').map((manifest) => {
    const { template } = manifest.spec;
    return {
      manifest,
      id: `${manifest.kind}/${manifest.metadata.name}`,
      template,
      containers: template.spec.containers,
      initContainers: template.spec.initContainers ?? [],
    };
  });
}

/** Whether it serves until it is told to stop; a Job ends by itself. */
export function isServing({ manifest }: Workload): boolean {
  return manifest.kind !== 'Job';
}

/** The labels of its pods. */
export function podLabels({ template }: Workload): Readonly<Record<string, string>> {
  return template.metadata.labels ?? {};
}

/** The Services that lead to its pods. */
export function servicesOf(workload: Workload, manifests: readonly Manifest[]): Manifest[] {
  return ofKind(manifests, 'Service').filter(({ spec }) =>
    matches({ matchLabels: spec.selector }, podLabels(workload)),
  );
}

/** Whether a Service is one of gRPC, by its port's name. */
export function isGrpc({ spec }: Manifest): boolean {
  return spec.ports.some((port: { name?: string }) => port.name === 'grpc');
}

/** What scales it, if anything does. */
export function scalerOf(workload: Workload, manifests: readonly Manifest[]): Manifest | undefined {
  const { kind, metadata } = workload.manifest;
  return ofKind(manifests, 'HorizontalPodAutoscaler', 'ScaledObject').find(({ spec }) => {
    const target = spec.scaleTargetRef;
    return (target.kind ?? 'Deployment') === kind && target.name === metadata.name;
  });
}

/** Fewest and most pods that it runs with. */
export function replicasOf(
  workload: Workload,
  manifests: readonly Manifest[],
): { readonly min: number; readonly max: number } {
  const scaler = scalerOf(workload, manifests);
  const replicas: number =
    workload.manifest.spec.replicas ?? workload.manifest.spec.parallelism ?? 1;
  if (scaler === undefined) return { min: replicas, max: replicas };
  const { minReplicas, minReplicaCount, maxReplicas, maxReplicaCount } = scaler.spec;
  return { min: minReplicas ?? minReplicaCount ?? 0, max: maxReplicas ?? maxReplicaCount ?? 100 };
}
