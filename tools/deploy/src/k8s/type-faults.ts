import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { idOf, type Manifest } from './manifest.ts';
import { modelModule } from './models.ts';

const root = join(import.meta.dirname, '../../../..');

/**
 * What is wrong with resources by their types, unknown fields among it; one line each. Every distinct resource becomes a line of TypeScript, and the
 * compiler runs once over all of them.
 */
export function typeFaults(manifests: readonly Manifest[]): string[] {
  const distinct = new Map(manifests.map((manifest) => [JSON.stringify(manifest), manifest]));
  const imports = new Map<string, string>();
  const names: string[] = [];
  const lines = [...distinct].map(([json, manifest]) => {
    const module = modelModule(manifest);
    const type = `I${manifest.kind}`;
    const alias = imports.get(`${module} ${type}`) ?? `T${imports.size}`;
    imports.set(`${module} ${type}`, alias);
    names.push(idOf(manifest));
    return `(${json}) satisfies ${alias};`;
  });
  const header = [...imports].map(([key, alias]) => {
    const [module, type] = key.split(' ');
    return `import type { ${type} as ${alias} } from '${module}';`;
  });
  const output = compile([...header, ...lines].join('\n'));
  return output.map(({ line, message }) => `${names[line - 1 - header.length]}: ${message}`);
}

interface Diagnostic {
  readonly line: number;
  readonly message: string;
}

/** Below node_modules, where the compiler finds the types and nobody else looks. */
function compile(source: string): Diagnostic[] {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'k8s-types-'));
  try {
    const file = join(folder, 'manifests.mts');
    writeFileSync(file, source);
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const args = [tsc, '--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck'];
    const options = ['--pretty', 'false', '--module', 'nodenext', '--target', 'es2024'];
    const { status, stdout, stderr, error } = spawnSync(
      process.execPath,
      [...args, ...options, file],
      {
        cwd: folder,
        encoding: 'utf8',
        timeout: 120_000,
      },
    );
    const found = [...stdout.matchAll(/\((\d+),\d+\): error TS\d+: (.*(?:\n {2}.*)*)/g)];
    if (status !== 0 && found.length === 0)
      throw new Error(`the compiler did not run: ${error?.message ?? stdout + stderr}`);
    return found.map(([, line, message = '']) => ({ line: Number(line), message }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
