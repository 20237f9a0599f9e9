/** A package.json of the workspace. */
export interface Manifest {
  /** Where it lies, for messages. */
  readonly path: string;
  readonly json: Readonly<
    Partial<Record<(typeof DEPENDENCY_GROUPS)[number], Readonly<Record<string, string>>>>
  >;
}

/** Where a package.json, and an entry of the lockfile, names what it needs. */
export const DEPENDENCY_GROUPS = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
] as const;

const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const OURS = '@ordermesh/';

/**
 * Versions that are not exact, that differ between manifests, or that the root does not pin, one line each.
 * Two versions of one library would mean two copies: two prototypes, two caches, two patched modules.
 */
export function manifestFaults(root: Manifest, members: readonly Manifest[]): string[] {
  const faults: string[] = [];
  const pinned = new Map(dependenciesOf(root));
  for (const manifest of [root, ...members]) {
    for (const [name, version] of dependenciesOf(manifest)) {
      const fault = (text: string) => faults.push(`${manifest.path}: ${name} ${text}`);
      if (name.startsWith(OURS)) {
        if (version !== '0.0.0') fault(`is "${version}", and ours are all "0.0.0"`);
      } else if (!EXACT.test(version)) {
        fault(`is "${version}", which is no exact version`);
      } else if (!pinned.has(name)) {
        fault('is not pinned in the root package.json');
      } else if (pinned.get(name) !== version) {
        fault(`is ${version} here and ${pinned.get(name)} in the root`);
      }
    }
  }
  return faults;
}

function dependenciesOf({ json }: Manifest): [name: string, version: string][] {
  return DEPENDENCY_GROUPS.flatMap((group) => Object.entries(json[group] ?? {}));
}
