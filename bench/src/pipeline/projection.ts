import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { type BusMessage, CustomerRecordSchema, type LogRow, toMessage } from '@ordermesh/contract';
import { startElasticsearch } from '@ordermesh/engines';
import { createEventStore } from '@ordermesh/event-store-postgres';
import { createPool, databaseOf, migrate } from '@ordermesh/postgres';
import { projection } from '@ordermesh/projector/projection';
import {
  applyEvent,
  decodeEvent,
  elasticsearchViewWriter,
  type OrderViewWriter,
  postgresViewMigrations,
  postgresViewWriter,
  prepareElasticsearchView,
  withCustomer,
} from '@ordermesh/read-model';
import { withClient } from '@ordermesh/testing';
import { interleaved } from '../measure/rounds.ts';
import { spreadOf } from '../measure/spread.ts';
import { figure, round, type Table } from '../measure/table.ts';
import { eventsPerOrder, fillOrders } from '../orders/fill-orders.ts';
import { makeLog } from '../postgres/log-database.ts';
import { type OwnServer, ownServer } from '../postgres/own-server.ts';
import type { Measured } from '../result.ts';
import { elasticsearchTotals, postgresTotals, requireTotals } from './view-totals.ts';

const batchSize = 256; // the bus's default
const perBatch = `batches of ${batchSize}`;
const perEvent = 'one event at a time';
const stateless = 'one event at a time, its view read first';

const stores = ['PostgreSQL', 'Elasticsearch'] as const;
const ways = [
  [perBatch, batchSize],
  [perEvent, 1],
  [stateless, 1],
] as const;

/** A way to keep a store of views up. */
interface Contestant {
  readonly store: (typeof stores)[number];
  readonly way: string;
  readonly batchSize: number;
  /** Writes consecutive events of partition 0. */
  project(messages: readonly BusMessage[]): Promise<void>;
  totals(): Promise<{ orders: number; versions: number }>;
  /** Events done; the next run goes on there. */
  done: number;
}

/** Events per second that the projector writes into each store, in its batches and one by one: the same code, the same events, one partition. */
export async function measureProjection({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const [rounds, runMs, orders] = quick ? [3, 1000, 20_000] : [5, 2000, 50_000];
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await ownServer());
  const node = opened.use(await startElasticsearch());
  const messages = await messagesOf(server, orders);
  const contestants: Contestant[] = [];
  for (const [index, [way, size]] of ways.entries()) {
    for (const open of [intoPostgres(server), intoElasticsearch(node.url)]) {
      const { store, views, totals } = await open(index);
      opened.use(views);
      const project = way === stateless ? readFoldWrite(views) : await asProjector(store, views);
      contestants.push({ store, way, batchSize: size, project, totals, done: 0 });
    }
  }
  const samples = await interleaved(rounds, contestants, (one) => run(one, messages, runMs));
  for (const one of contestants) await requireTotals(one.totals, expected(messages, one.done));
  const cells = (way: string) =>
    stores.map((store) =>
      spreadOf(samples[contestants.findIndex((c) => c.store === store && c.way === way)] ?? []),
    );
  const table: Table = {
    title: 'Projection',
    unit: 'events/s',
    head: 'written in',
    columns: stores,
    rows: ways.map(([way]) => ({ name: way, cells: cells(way) })),
  };
  return {
    settings: {
      postgres: server.description,
      elasticsearch: 'as started by npm run start:full',
      work: `orders of ${eventsPerOrder} events, 250 abreast, so that a batch holds as many orders; one partition; customers answered from memory`,
      rounds: `${rounds} of ${runMs} ms, interleaved; median (min–max)`,
    },
    tables: [table],
    headlines: stores.map((store) => {
      const [batch, single] = [perBatch, stateless].map((row) => figure(table, row, store).median);
      return {
        figure: `projection into ${store}, in ${perBatch}`,
        ours: `${round(batch as number)}/s`,
        beside: `${stateless} ${round(single as number)}/s`,
        ratio: `${round((batch as number) / (single as number))}x`,
      };
    }),
  };
}

async function run(one: Contestant, messages: readonly BusMessage[], runMs: number) {
  const [start, from] = [performance.now(), one.done];
  while (performance.now() - start < runMs) {
    const batch = messages.slice(one.done, one.done + one.batchSize);
    if (batch.length === 0)
      throw new Error('the log is too short for this machine: raise `orders`');
    await one.project(batch);
    one.done += batch.length;
  }
  return ((one.done - from) / (performance.now() - start)) * 1000;
}

/** The log of one partition, read and encoded as the relay does it. */
async function messagesOf(server: OwnServer, orders: number): Promise<BusMessage[]> {
  const url = await server.createDatabase();
  await makeLog(url);
  await withClient(url, (client) => fillOrders(client, { orders, partitions: 1 }));
  const pool = createPool({ url, max: 1, name: 'bench' });
  const store = createEventStore({ pool, partitions: 1 });
  const rows: LogRow[] = [];
  for (let page: readonly LogRow[]; ; rows.push(...page)) {
    page = await store.readLog(rows.at(-1)?.position ?? 0n, 10_000);
    if (page.length === 0) break;
  }
  await pool.end();
  return rows.map((row) => toMessage(row, row.position - 1n));
}

function expected(messages: readonly BusMessage[], done: number) {
  const versions = new Map<string, number>();
  for (const { key } of messages.slice(0, done)) versions.set(key, (versions.get(key) ?? 0) + 1);
  return { orders: versions.size, versions: [...versions.values()].reduce((a, b) => a + b, 0) };
}

type Opened = Pick<Contestant, 'store' | 'totals'> & { readonly views: OrderViewWriter };

const intoPostgres = (server: OwnServer) => async (): Promise<Opened> => {
  const url = await server.createDatabase();
  const target = { url, database: databaseOf(url) ?? '' };
  await migrate({ ...target, ...postgresViewMigrations }, AbortSignal.timeout(30_000));
  const views = postgresViewWriter({ url, max: 6, name: 'bench-projector' });
  return { store: 'PostgreSQL', views, totals: () => postgresTotals(url) };
};

const intoElasticsearch =
  (url: string) =>
  async (index: number): Promise<Opened> => {
    const projection = `bench-${index}@000001`;
    await prepareElasticsearchView({ url, projection }, AbortSignal.timeout(60_000));
    const views = elasticsearchViewWriter({ url, projection });
    return {
      store: 'Elasticsearch',
      views,
      totals: () => elasticsearchTotals(url, `bench-${index}`),
    };
  };

const customer = { customerId: randomUUID(), name: 'Ada Lovelace', email: 'ada@example.com' };
const record = create(CustomerRecordSchema, { customer, revision: 2 });

async function asProjector(name: string, views: OrderViewWriter): Promise<Contestant['project']> {
  const { signal } = new AbortController();
  const handler = projection({
    name,
    views,
    customers: { lookup: async (ids) => new Map(ids.map((id) => [id, record])) },
    readStretch: () => Promise.reject(new Error('nothing is missing')),
    readPoint: async () => ({ logId: customer.customerId, eventId: undefined }),
    onDiverged: (error) => {
      throw error;
    },
  });
  await handler.assigned(0, signal);
  return (messages) => handler.batch({ partition: 0, messages, signal });
}

/** What one writes first: a handler of single events that keeps nothing in memory. */
const readFoldWrite =
  (views: OrderViewWriter): Contestant['project'] =>
  async ([message]) => {
    const event = decodeEvent(message as BusMessage);
    const view = (await views.load([event.orderId])).get(event.orderId);
    const stored = withCustomer(applyEvent(view, event), record);
    await views.write({ partition: 0, position: event.position, orders: [stored], dead: [] });
  };
