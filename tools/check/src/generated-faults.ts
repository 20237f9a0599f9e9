import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the code generated from `proto/` lies in the repository; `out` in buf.gen.yaml. */
export const GENERATED_DIR = 'libs/contract/src/gen';

/** Generates the code of the repository at `root` anew, elsewhere, and tells how the committed one differs. */
export function generatedFaults(root: string): string[] {
  const buf = createRequire(import.meta.url).resolve('@bufbuild/buf/bin/buf');
  const dir = mkdtempSync(join(tmpdir(), 'ordermesh-generated-'));
  try {
    execFileSync(process.execPath, [buf, 'generate', '--output', dir], {
      cwd: root,
      stdio: 'pipe',
    });
    return [
      ...treeDifferences(join(dir, GENERATED_DIR), join(root, GENERATED_DIR)).map(
        (difference) => `${difference}: run \`npm run proto:gen\``,
      ),
      ...untracked(root).map((path) => `${path} is not in git: add it`),
    ];
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** How the folder `actual` differs from `expected`: missing, extra and changed files, sorted by path. */
export function treeDifferences(expected: string, actual: string): string[] {
  const paths = new Set([...filesBelow(expected), ...filesBelow(actual)]);
  return [...paths].sort().flatMap((path) => {
    const [want, have] = [read(join(expected, path)), read(join(actual, path))];
    if (have === undefined) return `${path} is missing`;
    if (want === undefined) return `${path} comes from no proto file`;
    return want.equals(have) ? [] : `${path} differs from what its proto file gives`;
  });
}

/** A fresh clone would lack these, although they are here. Ignored files count. */
function untracked(root: string): string[] {
  const args = ['ls-files', '--others', '-z', '--', GENERATED_DIR];
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
}

function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
}

function read(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}
