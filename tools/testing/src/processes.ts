import { execFileSync } from 'node:child_process';

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly isZombie: boolean;
}

function entries(): Entry[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, state = ''] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), isZombie: state.startsWith('Z') };
    });
}

/** `pid` and everything below it, parents first. */
export function processTree(pid: number): readonly number[] {
  const all = entries();
  const tree = [pid];
  for (const member of tree)
    tree.push(...all.filter(({ parent }) => parent === member).map((one) => one.pid));
  return tree;
}

/** Those of `pids` that still run; one that ended and that nobody has waited for does not. */
export function stillRunning(pids: readonly number[]): number[] {
  const running = new Set(entries().flatMap(({ pid, isZombie }) => (isZombie ? [] : [pid])));
  return pids.filter((pid) => running.has(pid));
}

/** Freezes `pids` until disposed: they keep their sockets and answer nothing. */
export function frozen(pids: readonly number[]): Disposable {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]() {
      for (const pid of stillRunning(pids)) process.kill(pid, 'SIGCONT');
    },
  };
}
