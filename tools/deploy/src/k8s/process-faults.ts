import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentFaults, type ReadConfig } from '../environment-faults.ts';
import { imageEnvironment } from '../images/dockerfile.ts';
import { environmentOf, secretFiles } from './environment.ts';
import type { Manifest } from './manifest.ts';
import { type Workload, workloadsOf } from './workloads.ts';

const dockerfile = readFileSync(join(import.meta.dirname, '../../../../Dockerfile'), 'utf8');

/** Read by Node, and not by a process's settings. */
const nodes = ['NODE_EXTRA_CA_CERTS'];

/**
 * What each process of ours would say to the environment that its pods give it: refused values, missing settings, files that are not there, and names that
 * it never asks for; one line each.
 * @param readers by the image's name: `command` for ordermesh/command
 */
export function processFaults(
  manifests: readonly Manifest[],
  readers: Readonly<Record<string, readonly ReadConfig[]>>,
): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'ordermesh-secrets-'));
  try {
    return workloadsOf(manifests).flatMap((workload) =>
      workload.containers.flatMap((container) => {
        // A release names the registry that it pushed to; the containers keep their names.
        if (!['app', 'migrate'].includes(container.name)) return [];
        const app = /([a-z]+)(?:[:@].*)?$/.exec(container.image)?.[1] ?? '';
        const read = readers[container.args?.[0] === 'migrate' ? `${app} migrate` : app];
        if (read === undefined) return [`${workload.id}: there is no process ${app}`];
        const { environment, missing } = environmentOfPod(workload, container, manifests, folder);
        const faults = environmentFaults(environment, read, imageEnvironment(dockerfile, app));
        return [...missing, ...faults].map((fault) => `${workload.id}: ${fault}`);
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Secret files as they would be mounted, in a folder of ours. Certificates are no text of ours, and only have to be mounted. */
function environmentOfPod(
  workload: Workload,
  container: Workload['containers'][number],
  manifests: readonly Manifest[],
  folder: string,
): { readonly environment: Record<string, string>; readonly missing: readonly string[] } {
  const files = secretFiles(workload, container, manifests);
  const environment: Record<string, string> = {};
  const missing: string[] = [];
  for (const [name, value] of Object.entries(environmentOf(container, manifests))) {
    const isPath = name.endsWith('_FILE') || nodes.includes(name);
    if (isPath && !files.has(value) && !isOfOperator(value, container))
      missing.push(`${name} names ${value}, which no volume has`);
    if (nodes.includes(name)) continue;
    const text = files.get(value);
    if (!isPath || text === undefined) environment[name] = value;
    else {
      environment[name] = join(folder, `${name}-${Object.keys(environment).length}`);
      writeFileSync(environment[name], text);
    }
  }
  return { environment, missing };
}

/** Of a Secret that an operator fills: `/run/tls/tls.key`. */
function isOfOperator(
  path: string,
  { volumeMounts = [] }: Workload['containers'][number],
): boolean {
  return volumeMounts.some(
    ({ mountPath }: { mountPath: string }) =>
      path.startsWith(`${mountPath}/`) && /\/(ca\.crt|tls\.crt|tls\.key)$/.test(path),
  );
}
