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
  writeFileSync(
    new URL(`${result.name}.json`, folder),
    `${JSON.stringify(result, null, 1).replace(/\{\n\s+("median": [^}]+?)\n\s+\}/g, (_, body: string) => `{ ${body.replace(/\n\s+/g, ' ')} }`)}\n`,
  );
}

/** All that are kept, by name. */
export function readResults(): Result[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
}
