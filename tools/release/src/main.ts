// `npm run release`, for the workspace in the current folder: builds and pushes the image of every app, signs them where cosign is at hand, and writes their
// digests into the production overlay. With --dry-run it prints the commands instead.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushedDigest } from './pushed-digest.ts';
import {
  buildCommand,
  type Command,
  commandLine,
  type Revision,
  signCommand,
} from './release-commands.ts';
import { type ReleaseOptions, readReleaseOptions, USAGE } from './release-options.ts';
import { withImages } from './with-images.ts';

const KUSTOMIZATION = 'deploy/k8s/overlays/prod/kustomization.yaml';

try {
  release(readReleaseOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`release: ${(error as Error).message}`);
  console.error(USAGE);
  process.exitCode = 1;
}

function release(options: ReleaseOptions): void {
  const { registry, version, dryRun } = options;
  const apps = readdirSync('apps').sort();
  const revision = readRevision();
  const signs = isAtHand('cosign');
  if (!dryRun && git('status', '--porcelain') !== '')
    throw new Error('something is not committed: the images would hold what no revision says');
  const folder = mkdtempSync(join(tmpdir(), 'ordermesh-release-'));
  try {
    const digests = new Map<string, string>();
    for (const app of apps) {
      const metadataFile = join(folder, `${app}.json`);
      run(buildCommand(app, options, revision, metadataFile), dryRun);
      const image = `${registry}/${app}`;
      const digest = dryRun
        ? '<digest>'
        : pushedDigest(readFileSync(metadataFile, 'utf8'), `${image}:${version}`);
      digests.set(app, digest);
      if (signs) run(signCommand(image, digest), dryRun);
    }
    if (!signs) console.error('release: cosign is not at hand; nothing is signed');
    if (dryRun) return;
    const text = readFileSync(KUSTOMIZATION, 'utf8');
    writeFileSync(KUSTOMIZATION, withImages(text, { registry, version, digests }));
    console.log(`${KUSTOMIZATION} names ${version} by digest: render it anew, and commit both`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(command: Command, dryRun: boolean): void {
  console.log(commandLine(command));
  if (dryRun) return;
  const [program, ...args] = command;
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? `code ${status}`}`);
}

function readRevision(): Revision {
  const [commit = '', seconds] = git('log', '-1', '--format=%H %ct').split(' ');
  return { commit, epochSeconds: Number(seconds) };
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

function isAtHand(program: string): boolean {
  return spawnSync(program, ['version'], { stdio: 'ignore' }).status === 0;
}
