import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file over this many lines holds more than one thing. */
export const LONGEST_FILE = 400;

const SOURCE = /\.(ts|mts|js|mjs|sql|lua|proto|sh)$/;
const GENERATED = /(^|\/)gen\/|_pb\.ts$/;

/** The sources among `files` that are too long, one line each. `linesOf` answers how many lines a path has. */
export function longFileFaults(
  files: readonly string[],
  linesOf: (path: string) => number,
): string[] {
  return files
    .filter((path) => SOURCE.test(path) && !GENERATED.test(path))
    .map((path) => ({ path, lines: linesOf(path) }))
    .filter(({ lines }) => lines > LONGEST_FILE)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${LONGEST_FILE}: split it`);
}

/** The files of the repository at `root` that are in git or could be: new ones count before they are added. */
export function repositoryFiles(root: string): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const deleted = new Set(list(root, ['ls-files', '-z', '--deleted']));
  return list(root, args).filter((path) => !deleted.has(path));
}

/** How many lines `path` below `root` has. */
export function countLines(root: string, path: string): number {
  const text = readFileSync(join(root, path), 'utf8');
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function list(cwd: string, args: readonly string[]): string[] {
  const output = execFileSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return output.split('\0').filter(Boolean);
}
