import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Edge, Project } from './boundary-faults.ts';

interface NxGraph {
  readonly graph: {
    readonly nodes: Record<string, { data: { root: string; tags?: string[] } }>;
    readonly dependencies: Record<string, { source: string; target: string }[]>;
  };
}

/** The projects of the Nx workspace at `root`, and which of them uses which. */
export function projectGraph(root: string): { projects: Project[]; edges: Edge[] } {
  const { nodes, dependencies } = readGraph(root).graph;
  const projects = Object.entries(nodes).map(([name, { data }]) => ({
    name,
    tags: data.tags ?? [],
  }));
  const edges = Object.values(dependencies)
    .flat()
    .filter(({ target }) => target in nodes)
    .map(({ source, target }) => ({
      source,
      target,
      dev: !isRuntimeDependency(join(root, nodes[source]?.data.root ?? ''), target),
    }));
  return { projects, edges };
}

/** Nx's graph does not tell `dependencies` from `devDependencies`. */
function isRuntimeDependency(projectRoot: string, name: string): boolean {
  const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  return [manifest.dependencies, manifest.optionalDependencies, manifest.peerDependencies].some(
    (group) => group && name in group,
  );
}

function readGraph(root: string): NxGraph {
  const nx = createRequire(import.meta.url).resolve('nx/bin/nx.js');
  const dir = mkdtempSync(join(tmpdir(), 'ordermesh-graph-'));
  const file = join(dir, 'graph.json');
  try {
    execFileSync(process.execPath, [nx, 'graph', `--file=${file}`], {
      cwd: root,
      env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return JSON.parse(readFileSync(file, 'utf8')) as NxGraph;
  } finally {
    rmSync(dir, { recursive: true });
  }
}
