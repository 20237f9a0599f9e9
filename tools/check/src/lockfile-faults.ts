/** What package-lock.json is, as far as this check reads it. */
export interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  /** A symlink to a member of the workspace; `resolved` is then its folder. */
  readonly link?: boolean;
}

/**
 * Packages of the lockfile that name a registry (it would bind every clone to one mirror) or whose content
 * nothing vouches for, one line each.
 */
export function lockfileFaults({ packages }: Lockfile): string[] {
  return Object.entries(packages).flatMap(([path, { resolved, integrity, link }]) => {
    if (!path.includes('node_modules/') || link) return [];
    const faults: string[] = [];
    if (resolved !== undefined) faults.push(`${path} has a resolved URL: ${resolved}`);
    if (integrity === undefined) faults.push(`${path} has no integrity`);
    return faults.map((fault) => `package-lock.json: ${fault}`);
  });
}
