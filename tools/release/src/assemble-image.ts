import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { type Closure, closureOf, type Lockfile } from './closure.ts';

/** What an image is made of. */
export interface ImageSource {
  /** The workspace, with its packages installed; those for development may be there. */
  readonly root: string;
  /** Name of a folder below `apps`. */
  readonly app: string;
  /** Where the image's files are put; must not exist. */
  readonly target: string;
}

/**
 * Nothing could load these: Node refuses TypeScript below node_modules, and reads source maps only when asked to. They are 37 MB of 68 that are
 * installed. Readmes go with them; licences stay.
 */
const UNUSED_OF_A_PACKAGE = /\.([cm]?ts|map|markdown)$|^(?!.*licen[cs]e|.*notice).*\.md$/i;

/** Tests and what only they use, of a member of the workspace. */
const TESTS_OF_A_MEMBER = /^(test|testing|fixtures)$|\.test\.ts$/;

/**
 * Puts the files of one process into a folder, laid out as in the workspace, so that Node runs the TypeScript as it does there: `main.ts`,
 * the sources of its libraries, exactly the packages of {@link closureOf}, and `ready.ts` for health checks. The Dockerfile copies that folder
 * as it is.
 *
 * @throws for an app that does not exist, a target that does, and a package that is not installed
 */
export function assembleImage({ root, app, target }: ImageSource): Closure {
  const member = `apps/${app}`;
  const lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
  const closure = closureOf(lockfile, member);
  mkdirSync(target);
  for (const path of closure.members) copyMember(join(root, path), join(target, path));
  for (const path of closure.packages) {
    // One of another platform is locked, and not installed.
    if (lockfile.packages[path]?.optional && !existsSync(join(root, path))) continue;
    copyPackage(join(root, path), join(target, path));
  }
  for (const link of closure.links) makeLink(target, link.path, link.member);
  makeLink(target, 'main.ts', `${member}/src/main.ts`);
  for (const file of ['LICENSE', 'deploy/ready.ts'])
    cpSync(join(root, file), join(target, basename(file)));
  writeFileSync(join(target, 'package.json'), manifestOf(root));
  return closure;
}

function copyMember(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  cpSync(join(from, 'package.json'), join(to, 'package.json'));
  copy(join(from, 'src'), join(to, 'src'), TESTS_OF_A_MEMBER);
}

/** Without the packages nested in it: each of them is in the closure by itself, or not at all. */
function copyPackage(from: string, to: string): void {
  copy(from, to, UNUSED_OF_A_PACKAGE, join(from, 'node_modules'));
}

function copy(from: string, to: string, unwanted: RegExp, except?: string): void {
  cpSync(from, to, {
    recursive: true,
    filter: (path) => path !== except && (path === from || !unwanted.test(basename(path))),
  });
}

function makeLink(target: string, path: string, to: string): void {
  const at = join(target, path);
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(relative(dirname(at), join(target, to)), at);
}

/** The root's manifest without what only its development needs. */
function manifestOf(root: string): string {
  const { name, version, license, type } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  return `${JSON.stringify({ name, version, private: true, license, type }, null, 2)}\n`;
}
