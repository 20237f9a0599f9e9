import { readFileSync } from 'node:fs';

// Linux counts in clock ticks of 10 ms, on every architecture that Node runs on.
const tickMs = 10;

/** CPU time that a process has used so far, user and system, in milliseconds. Linux only. */
export function cpuTimeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command name in parentheses may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}
