import { startRedis } from '@ordermesh/engines';
import { Redis } from 'ioredis';
import { drive, forMs } from '../measure/drive.ts';
import { interleaved } from '../measure/rounds.ts';
import { spreadOf } from '../measure/spread.ts';
import { figure, round, type Table } from '../measure/table.ts';
import type { Headline, Measured } from '../result.ts';
import { type Contestant, contestants, limit } from './contestants.ts';
import { measureGateway } from './gateway.ts';

const callers = 64;
/** Clients that hammer. */
const hammering = 100;
const columns = { allowed: 'allowed', refused: 'refused' };

/** An open contestant, whose hammering clients have used up their limits. */
interface Opened {
  readonly name: string;
  readonly take: (client: string) => Promise<boolean>;
  readonly redis: Redis;
  /** Of all keys that one client's whole limit has made. */
  readonly bytes: number;
}

/** Decisions a second of requests that pass and of those that do not, and what a client takes in Redis. */
export async function measureLimit({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const [rounds, runMs] = quick ? [3, 200] : [5, 500];
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await startRedis());
  const opened: Opened[] = [];
  for (const [database, contestant] of contestants.entries()) {
    const redis = new Redis(server.url, { db: database });
    resources.defer(() => redis.disconnect());
    opened.push(await open(contestant, redis));
  }
  const allowed = await interleaved(rounds, opened, async ({ name, take, redis }, round) => {
    let requests = 0;
    return answered(name, redis, runMs, true, () => {
      const client = Math.floor(requests++ / (limit / 2)); // its limit is never reached
      return take(`${round}:${client}`);
    });
  });
  const refused = await interleaved(rounds, opened, async ({ name, take, redis }) => {
    let requests = 0;
    return answered(name, redis, runMs, false, () => take(hammerer(requests++ % hammering)));
  });
  const spread = (samples: readonly Sample[] | undefined, column: keyof Sample) =>
    spreadOf((samples ?? []).map((sample) => sample[column]));
  const decisions: Table = {
    title: `Decisions, ${callers} callers`,
    unit: 'decisions/s',
    head: 'limiter',
    columns: Object.values(columns),
    rows: opened.map(({ name }, index) => ({
      name,
      cells: [spread(allowed[index], 'perSecond'), spread(refused[index], 'perSecond')],
    })),
  };
  const cpu: Table = {
    title: 'An allowed request',
    unit: 'µs of CPU time',
    head: 'limiter',
    columns: ['client', 'Redis'],
    rows: opened.map(({ name }, index) => ({
      name,
      cells: [spread(allowed[index], 'clientMicros'), spread(allowed[index], 'redisMicros')],
    })),
  };
  const memory: Table = {
    title: `A client who has used up its limit of ${limit}`,
    unit: 'bytes in Redis',
    head: 'limiter',
    columns: ['bytes'],
    rows: opened.map(({ name, bytes }) => ({ name, cells: [spreadOf([bytes])] })),
  };
  const gateway = await measureGateway(server.url, rounds, quick ? 1_000 : 3_000);
  const settings = contestants.map(({ name, settings }) => [name, settings]);
  return {
    settings: {
      ...Object.fromEntries(settings),
      redis: `${server.version}, in memory, one connection and one database each`,
      work: `limit ${limit} a day; ${limit / 2} requests of each client pass; ${hammering} clients hammer`,
      rounds: `${rounds} of ${runMs} ms, interleaved; median (min–max)`,
    },
    tables: [decisions, cpu, memory, gateway],
    headlines: headlines(decisions, cpu, memory),
  };
}

const hammerer = (number: number) => `hammers:${number}`;

/** @throws Error when more or less than the limit is admitted of requests that come at once */
async function open({ name, open: openOn }: Contestant, redis: Redis): Promise<Opened> {
  const take = openOn(redis);
  for (let client = 0; client < hammering; client++) {
    const answers = await Promise.all(
      Array.from({ length: limit + 10 }, () => take(hammerer(client))),
    );
    const admitted = answers.filter(Boolean).length;
    if (admitted !== limit) throw new Error(`${name} admitted ${admitted} of ${limit}`);
  }
  const keys = await redis.keys('*');
  const bytes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 0)));
  return {
    name,
    take,
    redis,
    bytes: bytes.reduce<number>((sum, one) => sum + (one ?? 0), 0) / hammering,
  };
}

interface Sample {
  readonly perSecond: number;
  readonly clientMicros: number;
  readonly redisMicros: number;
}

async function answered(
  name: string,
  redis: Redis,
  runMs: number,
  expected: boolean,
  ask: () => Promise<boolean>,
): Promise<Sample> {
  const before = await cpuSeconds(redis);
  const { perSecond, cpuMicros, calls } = await drive(callers, forMs(runMs), () => async () => {
    if ((await ask()) !== expected) throw new Error(`${name} did not answer ${expected}`);
  });
  const redisMicros = (((await cpuSeconds(redis)) - before) * 1e6) / calls;
  return { perSecond, clientMicros: cpuMicros, redisMicros };
}

/** What the server's main thread has used so far. */
async function cpuSeconds(redis: Redis): Promise<number> {
  const times = (await redis.info('cpu')).matchAll(/used_cpu_(?:user|sys)_main_thread:([\d.]+)/g);
  return [...times].reduce((sum, [, seconds]) => sum + Number(seconds), 0);
}

function headlines(decisions: Table, cpu: Table, memory: Table): Headline[] {
  const [bucket, window] = ['ordermesh, token bucket', 'ordermesh, sliding window'];
  const [flexible, log] = ['rate-limiter-flexible', 'sorted set as a log'];
  const rate = (row: string, column: string) => figure(decisions, row, column).median;
  const bytes = (row: string) => figure(memory, row, 'bytes').median;
  const micros = (row: string) =>
    figure(cpu, row, 'client').median + figure(cpu, row, 'Redis').median;
  const against = (mine: string, column: string): Headline => ({
    figure: `${column} requests of a rate limit, ${mine.replace('ordermesh, ', '')}`,
    ours: `${round(rate(mine, column))}/s`,
    beside: `${flexible} ${round(rate(flexible, column))}/s`,
    ratio: `${round(rate(mine, column) / rate(flexible, column))}x`,
  });
  return [
    against(bucket, columns.allowed),
    against(window, columns.allowed),
    against(bucket, columns.refused),
    {
      figure: 'CPU time of an allowed request, token bucket, client and Redis',
      ours: `${round(micros(bucket))} µs`,
      beside: `${flexible} ${round(micros(flexible))} µs`,
      ratio: `${round(micros(flexible) / micros(bucket))}x`,
    },
    {
      figure: `a client's sliding window of ${limit} in Redis`,
      ours: `${round(bytes(window))} bytes`,
      beside: `${log} ${round(bytes(log))} bytes`,
      ratio: `${round(bytes(log) / bytes(window))}x`,
    },
  ];
}
