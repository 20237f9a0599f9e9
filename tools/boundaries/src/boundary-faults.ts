import {
  LAYERS,
  type Layer,
  LOWEST_KERNEL,
  MAY_USE,
  SCOPES,
  type Scope,
  TESTS_MAY_USE,
} from './layers.ts';

/** A project of the workspace. */
export interface Project {
  readonly name: string;
  readonly tags: readonly string[];
}

/** `source` declares `target` in its package.json. */
export interface Edge {
  readonly source: string;
  readonly target: string;
  /** Declared in `devDependencies` only: its tests use it. */
  readonly dev: boolean;
}

/**
 * What breaks the layers and scopes, one line each, in the order of the input; empty when all is well.
 * Edges to packages from npm are none of its business.
 */
export function boundaryFaults(projects: readonly Project[], edges: readonly Edge[]): string[] {
  const faults: string[] = [];
  const tagged = new Map<string, Tagged>();
  for (const project of projects) {
    const layer = oneTag(project, 'layer', LAYERS, faults);
    const scope = oneTag(project, 'scope', SCOPES, faults);
    if (layer && scope) tagged.set(project.name, { name: project.name, layer, scope });
  }
  for (const edge of edges) {
    const source = tagged.get(edge.source);
    const target = tagged.get(edge.target);
    const broken = source && target && brokenRule(source, target, edge.dev);
    if (broken) faults.push(`${edge.source} must not use ${edge.target}: ${broken}`);
  }
  return faults;
}

interface Tagged {
  readonly name: string;
  readonly layer: Layer;
  readonly scope: Scope;
}

function oneTag<T extends string>(
  { name, tags }: Project,
  kind: string,
  known: readonly T[],
  faults: string[],
): T | undefined {
  const values = tags
    .filter((tag) => tag.startsWith(`${kind}:`))
    .map((tag) => tag.slice(kind.length + 1));
  const value = known.find((one) => one === values[0]);
  if (values.length === 1 && value !== undefined) return value;
  const has = values.length === 0 ? 'none' : values.join(', ');
  faults.push(`${name} needs exactly one tag ${kind}:<${known.join('|')}>, and has ${has}`);
  return undefined;
}

function brokenRule(source: Tagged, target: Tagged, dev: boolean): string | undefined {
  if (source.layer === 'tool') return undefined;
  if (target.layer === 'tool') {
    return dev ? undefined : 'a tool is for tests, declare it in devDependencies';
  }
  const forTests = dev && TESTS_MAY_USE[source.layer]?.includes(target.layer);
  if (!MAY_USE[source.layer].includes(target.layer) && !forTests) {
    const allowed = MAY_USE[source.layer].join(', ') || 'nothing of ours';
    return `layer ${source.layer} may use ${allowed}, not ${target.layer}`;
  }
  if (source.layer === 'kernel' && target.name !== LOWEST_KERNEL) {
    return `a kernel library may use ${LOWEST_KERNEL} only`;
  }
  if (target.scope !== 'shared' && target.scope !== source.scope) {
    return `scope ${source.scope} may not see scope ${target.scope}`;
  }
  return undefined;
}
