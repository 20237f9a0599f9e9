import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Table } from './measure/table.ts';

/** One line of the README's table. */
export interface Headline {
  readonly figure: string;
  readonly ours: string;
  /** What it was measured beside, in the same run. */
  readonly beside: string;
  readonly ratio: string;
}

/** What a bench writes to `bench/results/NAME.json`. */
export interface Result {
  readonly name: string;
  /** ISO, day of the run. */
  readonly date: string;
  readonly machine: {
    readonly cores: number;
    readonly memoryGiB: number;
    readonly cpu: string;
    readonly node: string;
  };
  /** What was measured how: versions, pools, rounds. */
  readonly settings: Readonly<Record<string, string | number>>;
  readonly tables: readonly Table[];
  readonly headlines: readonly Headline[];
}

/** What a bench hands back; the rest of {@link Result} is known here. */
export type Measured = Pick<Result, 'settings' | 'tables' | 'headlines'>;

const folder = new URL('../results/', import.meta.url);

/** Puts the run's circumstances to what it measured. */
export const resultOf = (name: string, measured: Measured): Result => ({
  name,
  date: new Date().toISOString().slice(0, 10),
  machine: {
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.versions.node,
  },
  ...measured,
});

/** Keeps a result, in place of the last one of that name. */
export function writeResult(result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${result.name}.json`, folder), `${JSON.stringify(result, rounded, 1)}\n`);
}

// A machine that is never the same twice has no more digits to tell.
const rounded = (_: string, value: unknown) =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value;

const benches = [
  'append',
  'load',
  'grpc',
  'growth',
  'relay',
  'projection',
  'rebuild',
  'read-your-write',
  'limit',
  'resilience',
];

/** All that are kept, in the order of the system: write side, bus, read side, what keeps it up. */
export function readResults(): Result[] {
  return readdirSync(folder)
    .map((file): Result => JSON.parse(readFileSync(new URL(file, folder), 'utf8')))
    .sort((a, b) => benches.indexOf(a.name) - benches.indexOf(b.name));
}
