import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '../../../..');
/** Where the manifests are. */
export const k8s = join(root, 'deploy/k8s');

/** What is rendered: the folder below overlays, and the file below rendered without its ending. */
export const overlays = {
  dev: 'dev',
  staging: 'staging',
  'staging-secrets': 'staging/secrets',
  prod: 'prod',
  'prod-secrets': 'prod/secrets',
} as const;

/** The name of a rendering. */
export type Overlay = keyof typeof overlays;

/** A rendering as it is committed. */
export function committed(overlay: Overlay): string {
  return readFileSync(renderedFile(overlay), 'utf8');
}

/** Renders a folder, named absolutely or from deploy/k8s on. @throws with what kubectl said */
export function render(folder: string): string {
  const { status, stdout, stderr, error } = spawnSync(
    'kubectl',
    ['kustomize', resolve(k8s, folder)],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  if (status !== 0) throw new Error(`kubectl kustomize ${folder}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Whether kubectl is installed. */
export function hasKubectl(): boolean {
  return spawnSync('kubectl', ['version', '--client'], { timeout: 60_000 }).status === 0;
}

/** Renders all overlays anew and writes them into deploy/k8s/rendered. */
export function writeRendered(): void {
  for (const [overlay, folder] of Object.entries(overlays))
    writeFileSync(renderedFile(overlay as Overlay), render(`overlays/${folder}`));
}

function renderedFile(overlay: Overlay): string {
  return join(k8s, 'rendered', `${overlay}.yaml`);
}
