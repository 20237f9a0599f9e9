import { Socket } from 'node:net';

/** What keeps this process alive, counted by kind. */
export type ActiveResources = ReadonlyMap<string, number>;

/** Node's names of what tests open; pipes and IPC belong to the test runner. */
const WATCHED: Readonly<Record<string, string>> = {
  TCPSocketWrap: 'TCP socket',
  TCPServerWrap: 'TCP server',
  UDPWrap: 'UDP socket',
  ProcessWrap: 'child process',
  Timeout: 'timer',
  FSEventWrap: 'file watcher',
  StatWatcher: 'file watcher',
  Worker: 'worker thread',
};

/** Counts the watched resources that are referenced now: an unreferenced timer is no leak. */
export function activeResources(): ActiveResources {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    const name = WATCHED[kind];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** What `now` has more of than `baseline`, as text; sockets with the address of their peer. */
export function leakedSince(baseline: ActiveResources, now: ActiveResources): string[] {
  const leaked: string[] = [];
  for (const [name, count] of now) {
    const more = count - (baseline.get(name) ?? 0);
    if (more <= 0) continue;
    const peers = name === 'TCP socket' ? ` (open: ${openPeers().join(' ')})` : '';
    leaked.push(`${more} ${name}${more > 1 ? 's' : ''}${peers}`);
  }
  return leaked;
}

function openPeers(): string[] {
  // Undocumented, and only for the message: nothing else tells which socket it is.
  const handles = (process as { _getActiveHandles?(): unknown[] })._getActiveHandles?.() ?? [];
  return handles
    .filter((handle) => handle instanceof Socket && handle.remotePort !== undefined)
    .map((handle) => `${(handle as Socket).remoteAddress}:${(handle as Socket).remotePort}`);
}
