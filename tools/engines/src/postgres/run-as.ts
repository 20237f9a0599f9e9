import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** How PostgreSQL's programs are run on this machine. */
export interface RunAs {
  /** The user who owns the data folder, as a number. */
  readonly uid: number;
  /** Whether the data folder must be given to `uid` first (this process is root). */
  readonly asOther: boolean;
  /** Whether the kernel ends the program when this process dies. */
  readonly endsWithParent: boolean;
  /** The program and its arguments behind the prefix that switches user. */
  command(program: string, args: readonly string[]): [program: string, args: string[]];
}

const CAP_DAC_READ_SEARCH = 4n;

/**
 * PostgreSQL refuses uid 0, so root runs it as `nobody`: a named user, because initdb fails for a uid
 * that /etc/passwd does not know. When one of `paths` lies below a folder closed to others
 * (a checkout in a 0700 home), it gets the one capability to pass through.
 *
 * @throws on root without `setpriv` (Linux) or on another system as root.
 */
export function chooseRunAs(paths: readonly string[]): RunAs {
  const root = process.getuid?.() === 0;
  const setpriv = process.platform === 'linux' && canSetPriv();
  if (root && !setpriv) {
    throw new Error(
      'PostgreSQL refuses to run as root, and `setpriv` (package util-linux) is missing to switch user: start as a normal user, or set DATABASE_URL',
    );
  }
  const prefix = setpriv ? ['setpriv', '--pdeathsig', 'INT'] : [];
  let uid = process.getuid?.() ?? -1;
  if (root) {
    uid = idOfNobody('-u');
    prefix.push(`--reuid=${uid}`, `--regid=${idOfNobody('-g')}`, '--clear-groups');
    if (!paths.every(isOpen)) prefix.push(...passThroughClosedFolders());
  }
  return {
    uid,
    asOther: root,
    endsWithParent: setpriv,
    command(program, args) {
      const [head = program, ...rest] = [...prefix, program, ...args];
      return [head, rest];
    },
  };
}

/** BusyBox has a `setpriv` too, without `--pdeathsig`: only trying it tells. */
function canSetPriv(): boolean {
  return spawnSync('setpriv', ['--pdeathsig', 'INT', 'true'], { stdio: 'ignore' }).status === 0;
}

function idOfNobody(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { stdio: 'pipe' }));
}

/** True when every folder above `path` lets other users through. */
function isOpen(path: string): boolean {
  for (let p = dirname(resolve(path)); ; p = dirname(p)) {
    if ((statSync(p).mode & 0o001) === 0) return false;
    if (p === dirname(p)) return true;
  }
}

function passThroughClosedFolders(): string[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/CapEff:\s*(\w+)/.exec(status)?.[1] ?? '0'}`);
  // Docker's default set has only the second.
  const capability = effective & CAP_DAC_READ_SEARCH ? 'dac_read_search' : 'dac_override';
  return [
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=-all,+${capability}`,
    '--securebits=+no_setuid_fixup', // else access(2) ignores the capability
  ];
}
