import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';

/** What was pushed. */
export interface Release {
  /** `registry.example/shop`. */
  readonly registry: string;
  readonly version: string;
  /** Digests by app: `query` → `sha256:…`. */
  readonly digests: ReadonlyMap<string, string>;
}

const PREFIX = 'ordermesh/';
const VERSION_LABEL = 'app.kubernetes.io/version';

/**
 * The text of a kustomization with its `images:` and its version label set to a release; comments and everything else stay as they are. It decides by its own list which
 * images it uses: one that was pushed and is not in it (the development issuer) is left out.
 *
 * @throws when it uses no image of ours, one that was not pushed, or has no version label
 */
export function withImages(kustomization: string, { registry, version, digests }: Release): string {
  const document = parseDocument(kustomization);
  const images = mapsOf(document.get('images'));
  const ours = images.filter((image) => String(image.get('name')).startsWith(PREFIX));
  if (ours.length === 0) throw new Error(`the kustomization lists no image ${PREFIX}…`);
  for (const image of ours) {
    const app = String(image.get('name')).slice(PREFIX.length);
    const digest = digests.get(app);
    if (digest === undefined)
      throw new Error(`the kustomization uses ${app}, which was not pushed`);
    image.set('newName', `${registry}/${app}`);
    image.set('newTag', version);
    image.set('digest', digest);
  }
  const labels = mapsOf(document.get('labels')).map((label) => label.get('pairs'));
  const versioned = labels.filter(isMap).filter((pairs) => pairs.has(VERSION_LABEL));
  if (versioned.length === 0) throw new Error(`the kustomization has no label ${VERSION_LABEL}`);
  for (const pairs of versioned) pairs.set(VERSION_LABEL, version);
  return document.toString({ lineWidth: 0 });
}

function mapsOf(node: unknown): YAMLMap[] {
  return isSeq(node) ? node.items.filter(isMap) : [];
}
