import type { Manifest } from './manifest.ts';

/** Packages with the types of each group of custom resources; the core's groups are all in one. */
const packages: Readonly<Record<string, string>> = {
  'kafka.strimzi.io': '@kubernetes-models/strimzi-kafka-operator',
  'postgresql.cnpg.io': '@kubernetes-models/cloudnative-pg',
  'elasticsearch.k8s.elastic.co': '@kubernetes-models/elastic-cloud',
  'keda.sh': '@kubernetes-models/keda',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'cert-manager.io': '@kubernetes-models/cert-manager',
  'external-secrets.io': '@kubernetes-models/external-secrets',
};

/** The module with the model of a resource: `kubernetes-models/apps/v1`. */
export function modelModule({ apiVersion }: Manifest): string {
  const [group = ''] = apiVersion.split('/');
  return `${packages[group] ?? 'kubernetes-models'}/${apiVersion}`;
}
