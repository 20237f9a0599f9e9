import { parseAllDocuments } from 'yaml';

/** One Kubernetes resource, core or custom, as YAML has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  // What else it has depends on its kind; `type-faults.ts` holds each against its type.
  // biome-ignore lint/suspicious/noExplicitAny: read by path, of many kinds
  readonly [field: string]: any;
}

/** A resource's or a pod template's metadata. */
export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The resources of a rendering. @throws when it is no YAML, or holds something that is no resource */
export function readManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    const manifest = document.toJS() as Manifest;
    if (typeof manifest?.kind !== 'string' || typeof manifest.metadata?.name !== 'string')
      throw new Error(`no resource: ${JSON.stringify(manifest)}`);
    return manifest;
  });
}

/** `Deployment/gateway`. */
export function idOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}

/** Those of a kind. */
export function ofKind(manifests: readonly Manifest[], ...kinds: readonly string[]): Manifest[] {
  return manifests.filter(({ kind }) => kinds.includes(kind));
}
