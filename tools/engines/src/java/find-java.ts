import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** An installed Java. */
export interface Java {
  /** The folder that JAVA_HOME would name. */
  readonly home: string;
  /** The program to run. */
  readonly program: string;
  /** The feature release, such as 25. */
  readonly major: number;
  /** The full version, such as `25.0.3`. */
  readonly version: string;
}

/** Folders whose entries are JDKs, per system; `~/.sdkman` on both. */
const JVM_FOLDERS = ['/usr/lib/jvm', '/usr/java', '/Library/Java/JavaVirtualMachines'];

/**
 * The first Java of release `minimum` or newer: of the variables ES_JAVA_HOME, JAVA_HOME, JAVA_HOME_<n>_<arch>
 * (as CI images set them), of the PATH, then the newest of the system's JVM folders.
 *
 * @returns undefined when there is none.
 */
export function findJava(
  minimum: number,
  env: NodeJS.ProcessEnv = process.env,
  folders: readonly string[] = [...JVM_FOLDERS, join(homedir(), '.sdkman/candidates/java')],
): Java | undefined {
  const named = [
    env.ES_JAVA_HOME,
    env.JAVA_HOME,
    ...Object.keys(env)
      .filter((name) => /^JAVA_HOME_\d+_/.test(name))
      .map((name) => env[name]),
    ...(env.PATH ?? '').split(delimiter).map(homeOnPath),
  ];
  const installed = folders
    .flatMap(jvmsIn)
    .map(readJava)
    .filter((java) => java !== undefined)
    .sort((a, b) => b.major - a.major);
  return [...named.map(readJava), ...installed].find((java) => java && java.major >= minimum);
}

/** {@link findJava}, for `title`. @throws when there is none, with what to do in one line. */
export function requireJava(title: string, minimum: number, java = findJava(minimum)): Java {
  if (java !== undefined) return java;
  // No registry that npm, Maven or apt reach by default has a complete one to fetch.
  throw new Error(
    `${title} needs Java ${minimum} or newer, and none was found: install one, or name its folder in ES_JAVA_HOME or JAVA_HOME`,
  );
}

function homeOnPath(folder: string): string | undefined {
  const program = join(folder, 'java');
  return folder && existsSync(program) ? dirname(dirname(realpathSync(program))) : undefined;
}

function jvmsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => [
    join(folder, name),
    join(folder, name, 'Contents/Home'), // macOS
  ]);
}

/** Reads the `release` file that every OpenJDK carries: starting each one costs 0.1–0.5 s. */
function readJava(home: string | undefined): Java | undefined {
  if (!home) return undefined;
  const program = join(home, 'bin', 'java');
  try {
    const release = readFileSync(join(home, 'release'), 'utf8');
    const version = /^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1];
    if (version === undefined || !existsSync(program)) return undefined;
    return { home, program, version, major: Number.parseInt(version, 10) };
  } catch {
    return undefined;
  }
}
