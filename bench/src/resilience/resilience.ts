import { interleaved } from '../measure/rounds.ts';
import { spreadOf } from '../measure/spread.ts';
import { figure, round, type Table } from '../measure/table.ts';
import type { Headline, Measured } from '../result.ts';
import { contestants } from './contestants.ts';

const concurrency = [1, 64];

/** What a call costs that is protected from its dependency, and the dependency from it. */
export async function measureResilience({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const [rounds, calls] = quick ? [5, 10_000] : [9, 50_000];
  const samples: number[][][] = [];
  for (const callers of concurrency)
    samples.push(
      await interleaved(rounds, contestants, async ({ name, protect }) => {
        let answered = 0;
        const call = protect(async () => answered++);
        await cpuMicrosPerCall(call, callers, 2_000); // compiled, and its own timers made
        answered = 0;
        const micros = await cpuMicrosPerCall(call, callers, calls);
        if (answered !== calls) throw new Error(`${name} called ${answered} times of ${calls}`);
        return micros;
      }),
    );
  const table: Table = {
    title: 'A call that is answered at once',
    unit: 'µs of CPU time per call',
    head: 'protection',
    columns: concurrency.map((callers) => `${callers} at once`),
    rows: contestants.map(({ name }, index) => ({
      name,
      cells: samples.map((taken) => spreadOf(taken[index] ?? [])),
    })),
  };
  const settings = contestants.map(({ name, settings }) => [name, settings]);
  return {
    settings: {
      ...Object.fromEntries(settings),
      rounds: `${rounds} of ${round(calls)} calls, interleaved; median (min–max)`,
    },
    tables: [table],
    headlines: [against(table, 'opossum'), against(table, 'mollitia')],
  };
}

/** @param calls a multiple of nothing in particular: callers take them from one stock */
async function cpuMicrosPerCall(
  call: () => Promise<unknown>,
  callers: number,
  calls: number,
): Promise<number> {
  let left = calls;
  const start = process.cpuUsage();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (left-- > 0) await call();
    }),
  );
  const { user, system } = process.cpuUsage(start);
  return (user + system) / calls;
}

/** What each adds to the bare call. */
function against(table: Table, other: string): Headline {
  const column = table.columns[0] as string;
  const added = (name: string) =>
    figure(table, name, column).median - figure(table, 'bare call', column).median;
  return {
    figure: 'circuit, bulkhead and time limit round a call',
    ours: `${round(added('ordermesh'))} µs`,
    beside: `${other} ${round(added(other))} µs`,
    ratio: `${round(added(other) / added('ordermesh'))}x`,
  };
}
