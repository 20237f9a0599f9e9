// `npm run check:workspace`, for the repository in the current folder.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { orderEvents } from '@ordermesh/contract';
import { eventSchemaFaults, goldenFiles } from './event-schema-faults.ts';
import { generatedFaults } from './generated-faults.ts';
import { installScriptFaults, type ScriptedManifest } from './install-script-faults.ts';
import { lockfileFaults } from './lockfile-faults.ts';
import { type Manifest, manifestFaults } from './manifest-faults.ts';
import { SBOM_FILE } from './sbom.ts';
import { sbomFaults } from './sbom-faults.ts';

const root = process.cwd();
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const manifest = (path: string): Manifest & ScriptedManifest => ({ path, json: readJson(path) });

const { workspaces } = readJson('package.json') as { workspaces: string[] };
const members = globSync(
  workspaces.map((folder) => `${folder}/package.json`),
  { cwd: root },
).sort();

const manifests = members.map(manifest);
const lockfile = readJson('package-lock.json');
const npmrc = readFileSync(join(root, '.npmrc'), 'utf8');

const faults = [
  ...manifestFaults(manifest('package.json'), manifests),
  ...lockfileFaults(lockfile),
  ...installScriptFaults(lockfile, manifest('package.json'), manifests, npmrc),
  ...sbomFaults(readJson(SBOM_FILE), lockfile),
  ...generatedFaults(root),
  ...eventSchemaFaults(orderEvents, goldenFiles(root)),
];
for (const fault of faults) console.error(`workspace: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
else
  console.log(
    `workspace: ${members.length} packages pinned, lockfile clean and listed, install scripts decided on, generated code current, stored events readable`,
  );
