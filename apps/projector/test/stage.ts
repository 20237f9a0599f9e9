import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Client as Search } from '@elastic/elasticsearch';
import type { BusMessage, LogRow } from '@ordermesh/contract';
import { type Elasticsearch, type Kafka, startElasticsearch, startKafka } from '@ordermesh/engines';
import { kafkaPublisher } from '@ordermesh/messaging';
import { createPool } from '@ordermesh/postgres';
import {
  applyEvent,
  decodeEvent,
  elasticsearchViewWriter,
  type OrderViewWriter,
  postgresViewWriter,
  type StoredOrder,
} from '@ordermesh/read-model';
import { type AppProcess, eventually, startApp, testDatabase } from '@ordermesh/testing';
import { type Admin, Kafka as Client, logLevel } from 'kafkajs';
import { expect } from 'vitest';
import { orderRows } from './order-log.ts';
import { type ServedLog, servedLog } from './served-log.ts';

/** Partitions of its log, as everywhere by default. */
export const partitions = 12;
/** Where the relay publishes. */
export const topic = 'ordermesh.order.events.v1';

/** Everything around projector processes, for real: three brokers, Elasticsearch, PostgreSQL, and a relay that a test plays. */
export interface Stage extends AsyncDisposable {
  readonly kafka: Kafka;
  readonly elasticsearch: Elasticsearch;
  readonly log: ServedLog;
  readonly rows: ReturnType<typeof orderRows>;
  readonly viewUrl: string;
  readonly stores: Readonly<Record<'PostgreSQL' | 'Elasticsearch', OrderViewWriter>>;
  /** Starts a projector; it is waited for until it projects into both stores. */
  startProjector(): Promise<AppProcess>;
  /** Publishes messages, the same ones again until they are acknowledged. */
  publish(messages: readonly BusMessage[]): Promise<void>;
  /** Appends and publishes batch after batch, until it is disposed of. */
  load(): Load;
  /** A client of the cluster. */
  admin<T>(use: (admin: Admin) => Promise<T>): Promise<T>;
  /** Dead letters of a store by position: error class, bytes and headers as they were put aside. */
  deadLetters(store: keyof Stage['stores']): Promise<ReadonlyMap<bigint, DeadLetterSeen>>;
  /** Expects that both stores hold what the log's events make, and nothing else; those of the orders left out may be anything. */
  expectWhole(leftOut?: ReadonlySet<string>): Promise<{ orders: number; events: number }>;
}

/** What a store keeps of a dead letter. */
export interface DeadLetterSeen {
  readonly orderId: string;
  readonly errorClass: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Events that come without end. */
export interface Load extends AsyncDisposable {
  /** How many events were acknowledged so far. */
  readonly acknowledged: number;
  /** Resolves when so many more were. */
  more(events: number): Promise<void>;
}

/** Long enough for a rebalance after a death and a machine that is busy with other tests. */
export const patiently = { withinMs: 120_000, everyMs: 100 };

/** Starts it all. */
export async function stage(): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const [kafka, elasticsearch, log, server] = await Promise.all([
    startKafka({ brokers: 3 }).then((one) => opened.use(one)),
    startElasticsearch().then((one) => opened.use(one)),
    servedLog().then((one) => opened.use(one)),
    testDatabase().then((one) => opened.use(one)),
  ]);
  const own = new URL(server.url);
  own.pathname += '_view';
  const viewUrl = own.href;
  const brokers = kafka.brokers.split(',');
  const publisher = opened.use(kafkaPublisher({ brokers, partitions }));
  await publisher.open(); // makes the topic
  const onError = () => undefined;
  const stores = {
    PostgreSQL: opened.use(
      postgresViewWriter({ url: viewUrl, max: 2, name: 'test-views', onError }),
    ),
    Elasticsearch: opened.use(
      elasticsearchViewWriter({ url: elasticsearch.url, timeoutMs: 30_000 }),
    ),
  };
  const rows = orderRows(partitions);
  const closing = opened.move();

  interface Letter {
    readonly position: string;
    readonly order_id: string;
    readonly error_class: string;
    readonly value: string;
    readonly headers: Record<string, string>;
  }
  const letterRows = async (): Promise<Letter[]> => {
    const pool = createPool({ url: viewUrl, max: 1, name: 'test', onError });
    const text = `SELECT position, order_id, error_class, encode(value, 'base64') AS value, headers FROM dead_letter`;
    return (await pool.query(text).finally(() => pool.end())).rows;
  };
  const letterDocuments = async (): Promise<Letter[]> => {
    const client = new Search({ node: elasticsearch.url });
    const { hits } = await client
      .search<Letter>({ index: 'orders-es-dead-letters', size: 1_000 })
      .finally(() => client.close());
    return hits.hits.flatMap(({ _source }) => _source ?? []);
  };

  async function publish(messages: readonly BusMessage[]): Promise<void> {
    for (let isSent = false; !isSent; ) {
      isSent = await publisher.publish(messages).then(
        () => true,
        () => false,
      );
    }
  }

  const self: Stage = {
    kafka,
    elasticsearch,
    log,
    rows,
    viewUrl,
    stores,
    publish,
    async startProjector() {
      const projector = startApp(`${import.meta.dirname}/..`, {
        PROJECTOR_ADMIN_PORT: '0',
        VIEW_DATABASE_URL: viewUrl,
        MIGRATION_DATABASE_URL: server.url,
        KAFKA_BROKERS: kafka.brokers,
        ELASTICSEARCH_URL: elasticsearch.url,
        COMMAND_ADDRESS: log.address,
        CUSTOMER_ADDRESS: '127.0.0.1:1', // nobody is there: every view stays pending
      });
      const ready = 'projecting into Elasticsearch';
      await eventually(() => projector.lines().some(({ msg }) => msg === ready), patiently);
      return projector;
    },
    load: () => startLoad(self),
    async admin(use) {
      const client = new Client({ brokers, logLevel: logLevel.NOTHING });
      const admin = client.admin({ retry: { retries: 20, maxRetryTime: 1_000 } });
      await admin.connect();
      return use(admin).finally(() => admin.disconnect());
    },
    async deadLetters(store) {
      const rows = await (store === 'PostgreSQL' ? letterRows : letterDocuments)();
      return new Map(
        rows.map(({ position, order_id, error_class, value, headers }) => [
          BigInt(position),
          {
            orderId: order_id,
            errorClass: error_class,
            value: Buffer.from(value, 'base64'),
            headers,
          },
        ]),
      );
    },
    async expectWhole(leftOut = new Set()) {
      const wanted = folded(log.messages, leftOut);
      for (const [name, store] of Object.entries(stores)) {
        let wrong: unknown[] = [];
        let parked: readonly string[] = [];
        await eventually(async () => {
          const found = await loadAll(store, [...wanted.keys()]);
          parked = await parkedOrders(store);
          wrong = [...wanted]
            .filter(([id, view]) => !isDeepStrictEqual(found.get(id), view))
            .map(([id, { order }]) => [name, id, order.version, found.get(id)?.order.version]);
          return wrong.length === 0;
        }, patiently).catch(() => undefined); // the next line says what it was
        expect(wrong).toEqual([]);
        expect(parked.filter((id) => !leftOut.has(id))).toEqual([]);
      }
      return { orders: wanted.size, events: log.messages.length };
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
  return self;
}

function folded(messages: readonly BusMessage[], leftOut: ReadonlySet<string>) {
  const views = new Map<string, StoredOrder>();
  for (const message of messages) {
    if (leftOut.has(message.key)) continue;
    views.set(message.key, applyEvent(views.get(message.key), decodeEvent(message)));
  }
  return views;
}

async function parkedOrders(store: OrderViewWriter): Promise<string[]> {
  const ids: string[] = [];
  for (let partition = 0; partition < partitions; partition++)
    ids.push(...(await store.parked(partition)).keys());
  return ids;
}

async function loadAll(store: OrderViewWriter, ids: readonly string[]) {
  const found = new Map<string, StoredOrder>();
  for (let i = 0; i < ids.length; i += 500)
    for (const [id, view] of await store.load(ids.slice(i, i + 500))) found.set(id, view);
  return found;
}

/** Between two batches: the load leaves the machine to what is tested. */
const paceMs = 40;

const later = ['OrderConfirmed', 'OrderPaid', 'OrderShipped', 'OrderDelivered'] as const;

/** Three events in each partition at a time: a new order, and what comes next of two others. */
function startLoad({ log, rows, publish }: Stage): Load {
  const living = Array.from({ length: partitions }, (): { id: string; next: number }[] => []);
  let acknowledged = 0;
  let isStopped = false;
  const batchOf = (): LogRow[] =>
    living.flatMap((orders, partition) => {
      const created = rows.created(partition, randomUUID());
      const moved = orders.slice(0, 2).flatMap((order) => {
        const type = later[order.next++];
        return type === undefined ? [] : [rows.next(order.id, type)];
      });
      orders.push({ id: created.streamId, next: 0 });
      if (orders[0]?.next === later.length) orders.shift();
      return [created, ...moved];
    });
  const running = (async () => {
    while (!isStopped) {
      const batch = batchOf();
      await publish(log.append(batch));
      acknowledged += batch.length;
      await delay(paceMs);
    }
  })();
  return {
    get acknowledged() {
      return acknowledged;
    },
    async more(events) {
      const wanted = acknowledged + events;
      await eventually(() => acknowledged >= wanted, patiently);
    },
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await running;
    },
  };
}
