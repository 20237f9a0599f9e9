import type { Lockfile } from './lockfile-faults.ts';

/** A package.json, as far as scripts go. */
export interface ScriptedManifest {
  /** Where it lies, for messages. */
  readonly path: string;
  readonly json: {
    readonly scripts?: Readonly<Record<string, string>>;
    /** Of the root: whether the install script of a package, by its bare name, may run. */
    readonly allowScripts?: Readonly<Record<string, boolean>>;
  };
}

/** What npm runs by itself when it installs. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];

/** What makes npm keep to the decisions, and the lockfile free of hosts. */
const WANTED = [
  'strict-allow-scripts=true',
  'omit-lockfile-registry-resolved=true',
  'save-exact=true',
];

/**
 * Packages that would run code while being installed although nobody decided so, one line each: the root's `allowScripts` has to name every
 * locked package with an install script, and no other; .npmrc has to make npm obey, and must hold neither a registry nor a key to one.
 */
export function installScriptFaults(
  { packages }: Lockfile,
  root: ScriptedManifest,
  members: readonly ScriptedManifest[],
  npmrc: string,
): string[] {
  const decided = root.json.allowScripts ?? {};
  const names = new Set(Object.keys(packages).map(nameOf));
  const scripted = Object.entries(packages).filter(([, found]) => found.hasInstallScript);
  const undecided = [...new Set(scripted.map(([path]) => nameOf(path)))]
    .filter((name) => decided[name] === undefined)
    .map((name) => `package.json: allowScripts does not decide on ${name}, which has a script`);
  const stale = Object.keys(decided)
    .filter((name) => !names.has(name))
    .map((name) => `package.json: allowScripts decides on ${name}, which is not locked`);
  return [
    ...undecided,
    ...stale,
    ...[root, ...members].flatMap(ownScriptFaults),
    ...npmrcFaults(npmrc),
  ];
}

function ownScriptFaults({ path, json: { scripts = {} } }: ScriptedManifest): string[] {
  return INSTALL_SCRIPTS.filter((script) => script in scripts).map(
    (script) => `${path}: ${script} would run at every installation`,
  );
}

function npmrcFaults(npmrc: string): string[] {
  const lines = npmrc.split('\n').map((line) => line.trim());
  const missing = WANTED.filter((line) => !lines.includes(line));
  const hosts = lines.filter((line) => /^[^#;]*(registry\s*=|\/\/|_auth|_password)/i.test(line));
  return [
    ...missing.map((line) => `.npmrc: ${line} is missing`),
    ...hosts.map((line) => `.npmrc: ${line.split('=')[0]} belongs to the machine, not here`),
  ];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
