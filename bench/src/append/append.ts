import pg from 'pg';
import { drive, forMs } from '../measure/drive.ts';
import { interleaved } from '../measure/rounds.ts';
import { type Spread, spreadOf } from '../measure/spread.ts';
import { figure, round, type Table } from '../measure/table.ts';
import { type OwnServer, ownServer } from '../postgres/own-server.ts';
import type { Headline, Measured } from '../result.ts';
import { ceiling } from './ceiling.ts';
import { checkStored, countStored } from './check-stored.ts';
import type { Appender, Contestant } from './contestant.ts';
import { emmett } from './emmett.ts';
import { naive, singleInsert } from './naive.ts';
import { ordermesh } from './ordermesh.ts';
import { streamLength, worker } from './workload.ts';

const ours = ordermesh({ keys: true });
const contestants = [ours, ordermesh({ keys: false }), naive, emmett, singleInsert, ceiling];
const warmEvents = 100_000;
const warmUpMs = 100;

/** A state that the database is measured in. */
interface Condition {
  readonly title: string;
  /** A new database for each run, or one per contestant that holds 100 thousand events and was analysed. */
  readonly warm: boolean;
  readonly flushMicros: number;
}

const conditions: readonly Condition[] = [
  { title: 'Fresh database', warm: false, flushMicros: 0 },
  { title: 'Warm database', warm: true, flushMicros: 0 },
  { title: 'Warm database, flush of 2 ms', warm: true, flushMicros: 2000 },
];

interface Effort {
  /** Numbers of callers. */
  readonly levels: readonly number[];
  readonly rounds: number;
  readonly runMs: number;
}

/** Appends per second through each contestant, at each number of callers, on a fresh and on a warm database and on a slow disk. */
export async function append({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const effort = quick
    ? { levels: [1, 64], rounds: 3, runMs: 250 }
    : { levels: [1, 16, 64, 256], rounds: 5, runMs: 400 };
  await using server = await ownServer();
  await warmUp(server);
  const tables: Table[] = [];
  for (const condition of conditions) tables.push(...(await measure(server, condition, effort)));
  const settings = Object.fromEntries(contestants.map(({ name, settings }) => [name, settings]));
  return {
    settings: {
      ...settings,
      postgres: server.description,
      work: `streams of ${streamLength} events, each with its expected version; about 200 B of data, 150 B of metadata`,
      rounds: `${effort.rounds} of ${effort.runMs} ms, interleaved; median (min–max)`,
    },
    tables,
    headlines: quick ? [] : headlines(tables[2] as Table),
  };
}

async function measure(
  server: OwnServer,
  { title, warm, flushMicros }: Condition,
  { levels, rounds, runMs }: Effort,
): Promise<[rate: Table, cpu: Table]> {
  await using kept = new AsyncDisposableStack();
  const beds = new Map<Contestant, Bed>();
  if (warm)
    for (const one of contestants) beds.set(one, kept.use(await openBed(server, one, warmEvents)));
  await server.delayFlush(flushMicros);
  const rates = contestants.map(({ name }) => ({ name, cells: [] as (Spread | null)[] }));
  const cpu = contestants.map(({ name }) => ({ name, cells: [] as (Spread | null)[] }));
  for (const level of levels) {
    const samples = await interleaved(rounds, contestants, async (contestant) => {
      const callers = contestant.callersFor?.(level) ?? level;
      if (callers === 0) return undefined;
      const bed = beds.get(contestant);
      if (bed !== undefined) return runOnce(bed, callers, runMs);
      await using fresh = await openBed(server, contestant, 0);
      return await runOnce(fresh, callers, runMs);
    });
    for (const [index, taken] of samples.entries()) {
      const runs = taken.filter((run) => run !== undefined);
      const spread = (of: (run: Run) => number) =>
        runs.length === 0 ? null : spreadOf(runs.map(of));
      rates[index]?.cells.push(spread(({ perSecond }) => perSecond));
      cpu[index]?.cells.push(spread(({ cpuMicros }) => cpuMicros));
    }
  }
  await server.delayFlush(0);
  const columns = levels.map(String);
  return [
    { title, unit: 'appends/s', head: 'callers', columns, rows: rates },
    { title, unit: 'CPU of the client per append, µs', head: 'callers', columns, rows: cpu },
  ];
}

interface Run {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

/** A contestant on a database of its own, which goes with it. */
interface Bed extends AsyncDisposable {
  readonly contestant: Contestant;
  readonly appender: Appender;
  /** For the oracle. */
  readonly client: pg.Client;
}

async function openBed(server: OwnServer, contestant: Contestant, events: number): Promise<Bed> {
  await using opened = new AsyncDisposableStack();
  const url = await server.createDatabase();
  opened.defer(() => server.dropDatabase(url));
  const client = new pg.Client(url);
  await client.connect();
  opened.defer(() => client.end());
  if (events > 0) {
    await (await contestant.open(url))[Symbol.asyncDispose](); // makes the schema
    await contestant.fill(client, events);
    await client.query('VACUUM ANALYZE');
  }
  const appender = opened.use(await contestant.open(url));
  const closing = opened.move();
  return {
    ...{ contestant, appender, client },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function runOnce(
  { contestant, appender, client }: Bed,
  callers: number,
  runMs: number,
): Promise<Run> {
  const { eventsPerCall = 1, stored } = contestant;
  const before = await countStored(client, stored);
  const caller = () => appender.caller(worker());
  const warmedUp = await drive(callers, forMs(warmUpMs), caller); // connects, and plans on what is there
  const run = await drive(callers, forMs(runMs), caller);
  const acknowledged = (warmedUp.calls + run.calls) * eventsPerCall;
  await checkStored(client, stored, before, acknowledged);
  return {
    perSecond: run.perSecond * eventsPerCall,
    cpuMicros: run.cpuMicros / eventsPerCall,
  };
}

/** The first calls of a process run uncompiled: nobody's figure. */
async function warmUp(server: OwnServer): Promise<void> {
  for (const contestant of contestants) {
    await using bed = await openBed(server, contestant, 0);
    await runOnce(bed, 16, 300);
  }
}

function headlines(warm: Table): Headline[] {
  const against = (other: Contestant, callers: string): Headline => {
    const [mine, theirs] = [ours.name, other.name].map(
      (name) => figure(warm, name, callers).median,
    );
    return {
      figure: `append, ${callers} caller${callers === '1' ? '' : 's'}, each event with an idempotency key`,
      ours: `${round(mine as number)}/s`,
      beside: `${other.name} ${round(theirs as number)}/s`,
      ratio: `${round((mine as number) / (theirs as number))}x`,
    };
  };
  return [
    against(singleInsert, '1'),
    ...['64', '256'].flatMap((callers) => [against(naive, callers), against(emmett, callers)]),
    against(ceiling, '256'),
  ];
}
