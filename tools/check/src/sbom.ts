/** A bill of materials in CycloneDX's JSON, as far as it is read here. */
export interface Sbom {
  readonly serialNumber?: string;
  readonly metadata: {
    readonly timestamp?: string;
    readonly lifecycles: unknown;
    readonly component: Component;
  };
  readonly components: readonly Component[];
  readonly dependencies: readonly {
    readonly ref: string;
    readonly dependsOn: readonly string[];
  }[];
}

interface Component {
  /** `name@version`. */
  readonly 'bom-ref': string;
  readonly name: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
  readonly externalReferences?: readonly unknown[];
}

/** Where it lies in the repository. */
export const SBOM_FILE = 'sbom.cdx.json';

/**
 * `npm sbom`'s answer without what differs between two machines or moments: serial number, time, npm's version, paths, addresses, the folder's
 * name, order. What is left follows from package-lock.json alone.
 */
export function withoutOrigin({ serialNumber: _, metadata, components, ...bom }: Sbom): Sbom {
  return {
    ...bom,
    metadata: {
      lifecycles: metadata.lifecycles,
      component: plain(metadata.component),
    },
    components: components.map(plain).sort(by((component) => component['bom-ref'])),
    dependencies: bom.dependencies
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.toSorted() }))
      .sort(by(({ ref }) => ref)),
  };
}

/** As it is committed: a line for each component and each list of dependencies. */
export function sbomText({ components, dependencies, ...bom }: Sbom): string {
  const lines = (items: readonly unknown[]) =>
    `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]`;
  const head = JSON.stringify(bom).slice(0, -1);
  return `${head},\n"components": ${lines(components)},\n"dependencies": ${lines(dependencies)}}\n`;
}

function plain({ externalReferences: _, properties = [], ...component }: Component): Component {
  const kept = properties.filter(({ name }) => name !== 'cdx:npm:package:path');
  return {
    ...component,
    // npm names a member, and the root, by its folder.
    name: component['bom-ref'].slice(0, component['bom-ref'].lastIndexOf('@')),
    ...(kept.length > 0 && { properties: kept }),
  };
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : 1);
}
