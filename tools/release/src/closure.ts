/** What package-lock.json is, as far as a closure reads it. */
export interface Lockfile {
  /** By where a package lies below the root: `apps/query`, `node_modules/pg`, `node_modules/a/node_modules/b`. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  /** For a link: the member's folder. */
  readonly resolved?: string;
  /** A symlink to a member of the workspace. */
  readonly link?: boolean;
  /** Only optional dependencies lead to it: it may be missing. */
  readonly optional?: boolean;
}

/** Everything that one process loads or could load. Paths are relative to the root and sorted. */
export interface Closure {
  /** Folders of the workspace: the app itself and its libraries, `libs/rpc`. */
  readonly members: readonly string[];
  /** Symlinks from node_modules to members, except to the app. */
  readonly links: readonly { readonly path: string; readonly member: string }[];
  /** Packages of the registry. */
  readonly packages: readonly string[];
}

/**
 * What `member` (`apps/query`) needs at run time, by the lockfile: its dependencies and theirs, with required peers and the optional dependencies
 * that are locked, each found where Node would find it. Development dependencies and optional peers are no part of it.
 *
 * @throws when the lockfile has no such member, or lacks a dependency that must be there
 */
export function closureOf({ packages }: Lockfile, member: string): Closure {
  if (packages[member] === undefined || member.includes('node_modules'))
    throw new Error(`package-lock.json has no member ${member}`);
  const members = new Set<string>();
  const links = new Map<string, string>();
  const fromRegistry = new Set<string>();
  const visit = (path: string) => {
    const { link, resolved = '', ...found } = packages[path] ?? {};
    if (link) {
      links.set(path, resolved);
      visit(resolved);
      return;
    }
    const reached = path.includes('node_modules/') ? fromRegistry : members;
    if (reached.has(path)) return;
    reached.add(path);
    for (const { name, optional } of needsOf(found)) {
      const at = resolveFrom(packages, path, name);
      if (at !== undefined) visit(at);
      else if (!optional) throw new Error(`package-lock.json lacks ${name}, which ${path} needs`);
    }
  };
  visit(member);
  return {
    members: [...members].sort(),
    links: [...links].map(([path, target]) => ({ path, member: target })).sort(byPath),
    packages: [...fromRegistry].sort(),
  };
}

function needsOf(found: LockedPackage): { name: string; optional: boolean }[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = found;
  const isOptionalPeer = (name: string) => found.peerDependenciesMeta?.[name]?.optional ?? false;
  return [
    ...Object.keys(dependencies).map((name) => ({ name, optional: false })),
    ...Object.keys(optionalDependencies).map((name) => ({ name, optional: true })),
    // Optional peers are left out: whoever uses one depends on it.
    ...Object.keys(peerDependencies)
      .filter((name) => !isOptionalPeer(name))
      .map((name) => ({ name, optional: false })),
  ];
}

/** Where Node would find `name` from `path`: in the nearest node_modules on the way up. */
function resolveFrom(
  packages: Lockfile['packages'],
  path: string,
  name: string,
): string | undefined {
  const parts = path.split('/');
  for (let depth = parts.length; depth >= 0; depth--) {
    if (parts[depth - 1] === 'node_modules') continue;
    const at = [...parts.slice(0, depth), 'node_modules', name].join('/');
    if (packages[at] !== undefined) return at;
  }
  return undefined;
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : 1;
}
