import { type Manifest, ofKind } from './manifest.ts';
import type { Container, Workload } from './workloads.ts';

/**
 * What a container's process finds in its environment: values of `env` and of the ConfigMaps behind `envFrom`.
 * @throws when a ConfigMap, or a key of one, does not exist
 */
export function environmentOf(
  container: Container,
  manifests: readonly Manifest[],
): Readonly<Record<string, string>> {
  const configMap = (name: string): Record<string, string> => {
    const found = ofKind(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`ConfigMap ${name} does not exist`);
    return found.data;
  };
  const environment: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom ?? [])
    if (configMapRef) Object.assign(environment, configMap(configMapRef.name));
  for (const { name, value } of container.env ?? []) environment[name] = value ?? '';
  return environment;
}

/** The text behind each file of a pod's Secret volumes: `/run/secrets/token-key` → text. Of an ExternalSecret its template. */
export function secretFiles(
  { template }: Workload,
  container: Container,
  manifests: readonly Manifest[],
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const mount of container.volumeMounts ?? []) {
    const volume = (template.spec.volumes ?? []).find(
      (candidate: { name: string }) => candidate.name === mount.name,
    );
    if (volume?.secret === undefined) continue;
    const texts = secretTexts(volume.secret.secretName, manifests);
    const items: { key: string; path: string }[] =
      volume.secret.items ?? Object.keys(texts).map((key) => ({ key, path: key }));
    for (const { key, path } of items) files.set(`${mount.mountPath}/${path}`, texts[key] ?? '');
  }
  return files;
}

function secretTexts(
  name: string,
  manifests: readonly Manifest[],
): Readonly<Record<string, string>> {
  const secret = ofKind(manifests, 'Secret').find(({ metadata }) => metadata.name === name);
  if (secret !== undefined)
    return mapValues(secret.data, (value) => Buffer.from(value, 'base64').toString('utf8'));
  const external = ofKind(manifests, 'ExternalSecret').find(
    ({ metadata, spec }) => (spec.target?.name ?? metadata.name) === name,
  );
  // Any text will do where the store's own will stand, as long as a token key is long enough.
  return mapValues(external?.spec.target.template.data ?? {}, (value) =>
    value.replace(/\{\{[^}]*\}\}/g, 'from-the-secret-store'),
  );
}

function mapValues(
  record: Readonly<Record<string, string>>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
