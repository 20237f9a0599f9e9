import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRelay } from '@ordermesh/command/relay';
import { type BusMessage, toMessage } from '@ordermesh/contract';
import { type Kafka, startKafka } from '@ordermesh/engines';
import { createEventStore, type PostgresEventStore } from '@ordermesh/event-store-postgres';
import { kafkaBus, kafkaPublisher } from '@ordermesh/messaging';
import { createPool, query } from '@ordermesh/postgres';
import { withClient } from '@ordermesh/testing';
import type { Pool } from 'pg';
import { interleaved } from '../measure/rounds.ts';
import { spreadOf } from '../measure/spread.ts';
import { figure, round, type Table } from '../measure/table.ts';
import { eventsPerOrder, fillOrders } from '../orders/fill-orders.ts';
import { makeLog, partitions } from '../postgres/log-database.ts';
import { ownServer } from '../postgres/own-server.ts';
import type { Measured } from '../result.ts';
import { lags } from './lag.ts';
import { reader } from './reader.ts';

const chunk = 500; // the relay's default

/** A log with events, and the Kafka that they go to. */
interface Bed {
  readonly url: string;
  readonly pool: Pool;
  readonly store: PostgresEventStore;
  readonly events: number;
  readonly kafka: Kafka;
}

/** Puts what it likes on an empty topic. @returns events per second */
type Contestant = readonly [
  name: string,
  publish: (bed: Bed, topic: string) => Promise<{ published: number; perSecond: number }>,
];

const relay: Contestant = [
  'relay',
  async ({ url, pool, store, events, kafka }, topic) => {
    await query(pool, { text: 'DELETE FROM relay' });
    const publisher = kafkaPublisher({ brokers: kafka.brokers.split(','), partitions, topic });
    await publisher.open();
    const start = performance.now();
    await using _relay = startRelay({ bus: 'kafka', publisher, store, logUrl: url, partitions });
    const text = 'SELECT position::int FROM relay';
    while ((await query<{ position: number }>(pool, { text })).rows[0]?.position !== events)
      await sleep(5);
    return { published: events, perSecond: (events / (performance.now() - start)) * 1000 };
  },
];

/** Messages that lie ready in memory: what is left to the Kafka client. */
const publishing = (name: string, size: number, forMs: number): Contestant => [
  name,
  async ({ store, kafka }, topic) => {
    const rows = await store.readLog(0n, 20_000);
    const previous = new Map<number, bigint>();
    const messages = rows.map((row): BusMessage => {
      const message = toMessage(row, previous.get(row.partition) ?? 0n);
      previous.set(row.partition, row.position);
      return message;
    });
    await using publisher = kafkaPublisher({
      brokers: kafka.brokers.split(','),
      partitions,
      topic,
    });
    await publisher.open();
    const start = performance.now();
    let published = 0;
    while (published < messages.length && performance.now() - start < forMs) {
      await publisher.publish(messages.slice(published, published + size));
      published += size;
    }
    return { published, perSecond: (published / (performance.now() - start)) * 1000 };
  },
];

/** Events per second from the log to Kafka, beside the same messages sent without a log, and how long after an append its event is consumed. */
export async function measureRelay({ quick }: { readonly quick: boolean }): Promise<Measured> {
  const [rounds, events, lagMs] = quick ? [3, 25_000, 2500] : [5, 50_000, 5000];
  const contestants = [
    relay,
    publishing(`${chunk} messages a call, no log`, chunk, 2000),
    publishing('one message a call, no log', 1, 1000),
  ];
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await ownServer());
  const kafka = opened.use(await startKafka());
  const url = await server.createDatabase();
  await makeLog(url);
  await withClient(url, (client) =>
    fillOrders(client, { orders: events / eventsPerOrder, partitions }),
  );
  const pool = createPool({ url, max: 4, name: 'bench' });
  opened.defer(() => pool.end());
  const bed: Bed = { url, pool, store: createEventStore({ pool, partitions }), events, kafka };
  const samples = await interleaved(rounds, contestants, async ([, publish]) => {
    const topic = `bench-${randomUUID()}`;
    const { published, perSecond } = await publish(bed, topic);
    await requireWhole(kafka, topic, published);
    return perSecond;
  });
  const rates: Table = {
    title: 'Log to Kafka',
    unit: 'events/s',
    head: '',
    columns: ['published'],
    rows: contestants.map(([name], index) => ({
      name,
      cells: [spreadOf(samples[index] ?? [])],
    })),
  };
  const lag = await lags(server, kafka, { rounds, runMs: lagMs });
  const median = (name: string) => figure(rates, name, 'published').median;
  return {
    settings: {
      postgres: server.description,
      kafka: 'one broker, as started by npm run start:full',
      work: `${events} events of orders, ${partitions} partitions; relay and consumers in one process`,
      rounds: `${rounds}, interleaved; median (min–max); lag: ${lagMs} ms each`,
    },
    tables: [rates, lag],
    headlines: [
      {
        figure: 'relay to Kafka',
        ours: `${round(median('relay'))}/s`,
        beside: `one message a call ${round(median('one message a call, no log'))}/s`,
        ratio: `${round(median('relay') / median('one message a call, no log'))}x`,
      },
      ...lag.rows.map(({ name, cells }) => ({
        figure: `append to consumed at 200/s, ${name}`,
        ours: `p50 ${round(cells[0]?.median ?? 0)} ms, p99 ${round(cells[1]?.median ?? 0)} ms`,
        beside: '',
        ratio: '',
      })),
    ],
  };
}

/** The correctness oracle: the topic holds the log from its beginning, in the order of each partition. @throws Error when it does not */
async function requireWhole(kafka: Kafka, topic: string, published: number): Promise<void> {
  const bus = kafkaBus({ brokers: kafka.brokers.split(','), partitions, topic });
  const seen = reader();
  await using _consumer = await bus.consume({ group: topic, handler: seen.handler });
  await seen.reached(published);
}
