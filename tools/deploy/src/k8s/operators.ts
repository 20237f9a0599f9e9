import { type Manifest, ofKind } from './manifest.ts';

/** Pods that an operator makes of a custom resource: no manifest has them, and policies select them. */
export interface MadePods {
  /** `Kafka/ordermesh`. */
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A service that an operator makes, by the name that clients use. */
export interface MadeService {
  readonly name: string;
  readonly pods: MadePods;
}

/** A Secret that an operator makes, and its keys. */
export interface MadeSecret {
  readonly name: string;
  readonly keys: readonly string[];
}

/** What the operators make of their resources: Strimzi, CloudNativePG, ECK, cert-manager and external-secrets, by their documented names. */
export function madeByOperators(manifests: readonly Manifest[]): {
  readonly pods: readonly MadePods[];
  readonly services: readonly MadeService[];
  readonly secrets: readonly MadeSecret[];
} {
  const parts = [
    ...ofKind(manifests, 'Kafka').map((kafka) => strimzi(kafka, manifests)),
    ...ofKind(manifests, 'Cluster').map(cloudNativePg),
    ...ofKind(manifests, 'Elasticsearch').map(eck),
  ];
  return {
    pods: parts.flatMap(({ pods }) => pods),
    services: parts.flatMap(({ services }) => services),
    secrets: [
      ...parts.flatMap(({ secrets }) => secrets),
      ...ofKind(manifests, 'Certificate').map(({ spec }) => ({
        name: spec.secretName,
        keys: ['ca.crt', 'tls.crt', 'tls.key'],
      })),
      ...ofKind(manifests, 'ExternalSecret').map(({ metadata, spec }) => ({
        name: spec.target?.name ?? metadata.name,
        keys: Object.keys(
          spec.target?.template?.data ??
            Object.fromEntries(spec.data.map((item: { secretKey: string }) => [item.secretKey, 0])),
        ),
      })),
    ],
  };
}

interface Made {
  readonly pods: readonly MadePods[];
  readonly services: readonly MadeService[];
  readonly secrets: readonly MadeSecret[];
}

function strimzi({ metadata: { name }, spec }: Manifest, manifests: readonly Manifest[]): Made {
  const cluster = { 'strimzi.io/cluster': name };
  const pools = ofKind(manifests, 'KafkaNodePool')
    .filter(({ metadata }) => metadata.labels?.['strimzi.io/cluster'] === name)
    .map((pool) => ({
      id: `KafkaNodePool/${pool.metadata.name}`,
      labels: {
        ...cluster,
        'strimzi.io/name': `${name}-kafka`,
        ...pool.spec.template?.pod?.metadata?.labels,
      },
    }));
  const operator = {
    id: `Kafka/${name} entity operator`,
    labels: { ...cluster, 'strimzi.io/name': `${name}-entity-operator` },
  };
  return {
    pods: [...pools, ...(spec.entityOperator ? [operator] : [])],
    services: pools.map((pods) => ({ name: `${name}-kafka-bootstrap`, pods })),
    secrets: [],
  };
}

function cloudNativePg({ metadata: { name }, spec }: Manifest): Made {
  const labels = { 'cnpg.io/cluster': name, ...spec.inheritedMetadata?.labels };
  const pods = { id: `Cluster/${name}`, labels };
  return {
    pods: [pods],
    services: [{ name: `${name}-rw`, pods }],
    secrets: [{ name: `${name}-ca`, keys: ['ca.crt', 'ca.key'] }],
  };
}

function eck({ metadata: { name }, spec }: Manifest): Made {
  const pods = spec.nodeSets.map(
    (set: { name: string; podTemplate?: { metadata?: { labels?: object } } }) => ({
      id: `Elasticsearch/${name} ${set.name}`,
      labels: {
        'elasticsearch.k8s.elastic.co/cluster-name': name,
        ...set.podTemplate?.metadata?.labels,
      },
    }),
  ) as MadePods[];
  return {
    pods,
    services: pods.map((set) => ({ name: `${name}-es-http`, pods: set })),
    secrets: [{ name: `${name}-es-http-certs-public`, keys: ['ca.crt', 'tls.crt'] }],
  };
}
