import { orderCodec } from '@ordermesh/command/order-codec';
import { load } from '@ordermesh/event-sourcing';
import { orderDecider } from '@ordermesh/order';
import { withClient } from '@ordermesh/testing';
import { checkStored, countStored } from '../append/check-stored.ts';
import { openStore, ordermesh } from '../append/ordermesh.ts';
import { worker } from '../append/workload.ts';
import { drive, forMs } from '../measure/drive.ts';
import { interleaved } from '../measure/rounds.ts';
import { spreadOf } from '../measure/spread.ts';
import { figure, round, type Table } from '../measure/table.ts';
import { eventsPerOrder, fillOrders } from '../orders/fill-orders.ts';
import { partitions } from '../postgres/log-database.ts';
import { ownServer } from '../postgres/own-server.ts';
import type { Measured } from '../result.ts';

const append1 = 'append, 1 caller';
const append64 = 'append, 64 callers';
const load1 = 'load of an order, 1 caller';
const names = [append1, append64, load1];

/** A log that had some events from the start. */
interface Grown {
  readonly events: number;
  readonly url: string;
  /** Some of its orders, from all over the log. */
  readonly orderIds: readonly string[];
}

/** Appends and loads per second on logs of several sizes: the time must not depend on what is there already. */
export async function growth({ quick, full }: Options): Promise<Measured> {
  const sizes = [10_000, quick ? 200_000 : 1_000_000, ...(full ? [5_000_000] : [])];
  const [rounds, runMs] = quick ? [3, 400] : [5, 1000];
  await using server = await ownServer();
  const logs: Grown[] = [];
  for (const events of sizes) {
    const url = await server.createDatabase();
    await using _schema = await openStore(url);
    logs.push({ events, url, orderIds: await filled(url, events) });
  }
  const samples = await interleaved(rounds, logs, (log) => run(log, runMs));
  const table: Table = {
    title: 'Growth',
    unit: 'calls/s',
    head: 'events in the log',
    columns: sizes.map(round),
    rows: names.map((name) => ({
      name,
      cells: samples.map((taken) => spreadOf(taken.map((rates) => rates.get(name) as number))),
    })),
  };
  const [first, last] = [table.columns[0] as string, table.columns.at(-1) as string];
  return {
    settings: {
      postgres: `${server.description}; nobody ran ANALYZE or VACUUM but autovacuum`,
      work: `logs of orders of ${eventsPerOrder} events, written by INSERT … SELECT from generated rows; appends with idempotency keys to new streams; loads of random orders through codec and decider`,
      rounds: `${rounds} of ${runMs} ms, interleaved; median (min–max)`,
    },
    tables: [table],
    headlines: [append64, load1].map((name) => {
      const [small, large] = [first, last].map((column) => figure(table, name, column).median);
      return {
        figure: `${name}, ${last} events in the log`,
        ours: `${round(large as number)}/s`,
        beside: `${first} events ${round(small as number)}/s`,
        ratio: `${round((large as number) / (small as number))}x`,
      };
    }),
  };
}

interface Options {
  readonly quick: boolean;
  /** Also a log of 5 million events, which takes some minutes to fill. */
  readonly full: boolean;
}

async function filled(url: string, events: number): Promise<string[]> {
  return withClient(url, async (client) => {
    await fillOrders(client, { orders: events / eventsPerOrder, partitions });
    const { rows } = await client.query<{ stream_id: string }>(
      `SELECT stream_id FROM events WHERE position = ANY (SELECT ceil(random() * $1) FROM generate_series(1, 2000))`,
      [events],
    );
    return rows.map(({ stream_id }) => stream_id);
  });
}

async function run({ url, orderIds }: Grown, runMs: number): Promise<ReadonlyMap<string, number>> {
  const { stored } = ordermesh({ keys: true });
  await using opened = await openStore(url);
  const aggregate = {
    store: opened.store,
    decider: orderDecider({ minimums: new Map(), estimatedDeliveryDays: 5 }),
    codec: orderCodec,
  };
  const loading = () => async () => {
    const orderId = orderIds[Math.floor(Math.random() * orderIds.length)] as string;
    const { version } = await load(aggregate, orderId);
    if (version !== eventsPerOrder) throw new Error(`order ${orderId} has version ${version}`);
  };
  const appending = () => opened.caller(worker(), true);
  await drive(16, forMs(200), appending); // connects
  const before = await withClient(url, (client) => countStored(client, stored));
  const one = await drive(1, forMs(runMs), appending);
  const many = await drive(64, forMs(runMs), appending);
  await withClient(url, (client) => checkStored(client, stored, before, one.calls + many.calls));
  await drive(1, forMs(100), loading);
  const loads = await drive(1, forMs(runMs), loading);
  return new Map([
    [append1, one.perSecond],
    [append64, many.perSecond],
    [load1, loads.perSecond],
  ]);
}
