import { DEPENDENCY_GROUPS } from './manifest-faults.ts';

/** What package-lock.json is, as far as the checks read it. */
export interface Lockfile {
  /** By where a package lies below the root: `apps/query`, `node_modules/pg`. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage
  extends Readonly<
    Partial<Record<(typeof DEPENDENCY_GROUPS)[number], Readonly<Record<string, string>>>>
  > {
  /** Where the folder does not say it: of members and aliases. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  /** A symlink to a member of the workspace; `resolved` is then its folder. */
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

/** One SHA-512, in base64. */
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

/** Versions, ranges and tags have neither colon nor slash; `git+ssh://…`, `https://…/x.tgz`, `github:a/b`, `a/b` and `file:../x` do. */
const ofTheRegistry = (spec: string) => spec.startsWith('npm:') || !/[:/]/.test(spec);

/**
 * What of the lockfile names a registry (it would bind every clone to one mirror), comes from elsewhere than a registry, or has content that nothing
 * vouches for, one line each.
 */
export function lockfileFaults({ packages }: Lockfile): string[] {
  return Object.entries(packages).flatMap(([path, found]) => {
    const faults = [...originFaults(path, found, packages), ...dependencyFaults(path, found)];
    return faults.map((fault) => `package-lock.json: ${fault}`);
  });
}

function originFaults(
  path: string,
  { resolved, integrity, link }: LockedPackage,
  packages: Lockfile['packages'],
): string[] {
  if (!path.includes('node_modules/')) return [];
  if (link) {
    const isMember = resolved !== undefined && resolved in packages && !resolved.includes('..');
    return isMember ? [] : [`${path} links to ${resolved}, which is no member of the workspace`];
  }
  const faults: string[] = [];
  if (resolved !== undefined) faults.push(`${path} has a resolved URL: ${resolved}`);
  if (integrity === undefined) faults.push(`${path} has no integrity`);
  else if (!SHA512.test(integrity)) faults.push(`${path} has an integrity that is no SHA-512`);
  return faults;
}

function dependencyFaults(path: string, found: LockedPackage): string[] {
  return DEPENDENCY_GROUPS.flatMap((group) => Object.entries(found[group] ?? {}))
    .filter(([, spec]) => !ofTheRegistry(spec))
    .map(([name, spec]) => `${path || 'the root'} takes ${name} from ${spec}: not of a registry`);
}
