import { withClient } from '@ordermesh/testing';
import { checkStored, countStored } from '../append/check-stored.ts';
import { ordermesh } from '../append/ordermesh.ts';
import { worker } from '../append/workload.ts';
import { type Driven, drive, forMs } from '../measure/drive.ts';
import { percentile } from '../measure/percentiles.ts';
import { interleaved } from '../measure/rounds.ts';
import { type Spread, spreadOf } from '../measure/spread.ts';
import { figure, round, type Table } from '../measure/table.ts';
import { ownServer } from '../postgres/own-server.ts';
import type { Measured } from '../result.ts';
import { commandProcess, type Orders } from './orders.ts';
import { otlpSink } from './otlp-sink.ts';

const off = 'CreateOrder, tracing off';
const on = 'CreateOrder, tracing on';

/** What the runs of one round gave, by row of the tables. */
type Round = ReadonlyMap<string, Driven>;

/** A layer of the write side, on a database of its own. */
interface Layer {
  readonly url: string;
  run(callers: number, runMs: number): Promise<Round>;
}

/** Commands per second and their latency through the command process, traced and not, beside the event store alone: what each layer costs. */
export async function measureGrpc({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const [levels, rounds, runMs] = quick ? [[1, 64], 3, 400] : [[1, 16, 64], 5, 1000];
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await ownServer());
  const sink = opened.use(await otlpSink());
  const { stored, ...port } = ordermesh({ keys: true });
  const urls = await Promise.all([1, 2, 3].map(() => server.createDatabase()));
  const [portUrl, offUrl, onUrl] = urls as [string, string, string];
  const store = opened.use(await port.open(portUrl));
  const untraced = opened.use(await commandProcess(offUrl, { OTEL_SDK_DISABLED: 'true' }));
  const traced = opened.use(await commandProcess(onUrl, { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url }));
  const alone = 'event store alone, in this process';
  const layers: Layer[] = [
    {
      url: portUrl,
      run: async (callers, runMs) =>
        new Map([[alone, await drive(callers, forMs(runMs), () => store.caller(worker()))]]),
    },
    { url: offUrl, run: (callers, runMs) => createAndPay(untraced, 'tracing off', callers, runMs) },
    { url: onUrl, run: (callers, runMs) => createAndPay(traced, 'tracing on', callers, runMs) },
  ];
  const run = async (layer: Layer, callers: number, runMs: number) => {
    const before = await withClient(layer.url, (client) => countStored(client, stored));
    const taken = await layer.run(callers, runMs);
    const acknowledged = [...taken.values()].reduce((sum, { calls }) => sum + calls, 0);
    await withClient(layer.url, async (client) => {
      await checkStored(client, stored, before, acknowledged);
    });
    return taken;
  };
  for (const layer of layers) await run(layer, 16, 1000); // compiles
  const names = [alone, off, on, 'PayOrder, tracing off', 'PayOrder, tracing on'];
  const figures = names.map((name) => ({ name, rate: [], p50: [], p99: [] }) as Figures);
  for (const callers of levels) {
    const samples = (
      await interleaved(rounds, layers, (layer) => run(layer, callers, runMs))
    ).flat();
    for (const { name, rate, p50, p99 } of figures) {
      const runs = samples.flatMap((taken) => taken.get(name) ?? []);
      rate.push(spreadOf(runs.map(({ perSecond }) => perSecond)));
      p50.push(spreadOf(runs.map(({ latenciesMs }) => percentile(latenciesMs, 0.5))));
      p99.push(spreadOf(runs.map(({ latenciesMs }) => percentile(latenciesMs, 0.99))));
    }
  }
  if (sink.received() === 0) throw new Error('no span was exported');
  const columns = levels.map(String);
  const table = (unit: string, key: 'rate' | 'p50' | 'p99'): Table => {
    const rows = figures.map((row) => ({ name: row.name, cells: row[key] }));
    return { title: 'Commands over gRPC', unit, head: 'callers', columns, rows };
  };
  const rates = table('calls/s', 'rate');
  const [plain, exported] = [off, on].map((row) => figure(rates, row, '64').median);
  return {
    settings: {
      postgres: server.description,
      work: 'each call with an idempotency key of its own; PayOrder on the orders just placed; the callers share the cores with the service',
      tracing: 'off: OTEL_SDK_DISABLED; on: every span, exported by OTLP over HTTP',
      rounds: `${rounds} of ${runMs} ms, interleaved; median (min–max)`,
    },
    tables: [rates, table('p50, ms', 'p50'), table('p99, ms', 'p99')],
    headlines: [
      {
        figure: 'CreateOrder over gRPC, 64 callers, every call traced and exported',
        ours: `${round(exported as number)}/s`,
        beside: `tracing off ${round(plain as number)}/s`,
        ratio: `${round((exported as number) / (plain as number))}x`,
      },
    ],
  };
}

interface Figures {
  readonly name: string;
  readonly rate: Spread[];
  readonly p50: Spread[];
  readonly p99: Spread[];
}

async function createAndPay(
  orders: Orders,
  tracing: string,
  callers: number,
  runMs: number,
): Promise<Round> {
  const placed: string[] = [];
  const created = await drive(callers, forMs(runMs), () => async () => {
    placed.push(await orders.create());
  });
  const paid = await drive(
    callers,
    () => placed.length > 0,
    () => () => orders.pay(placed.pop() as string),
  );
  return new Map([
    [`CreateOrder, ${tracing}`, created],
    [`PayOrder, ${tracing}`, paid],
  ]);
}
