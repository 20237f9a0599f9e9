import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRelay } from '@ordermesh/command/relay';
import type { Kafka } from '@ordermesh/engines';
import { createEventStore } from '@ordermesh/event-store-postgres';
import {
  type Bus,
  embeddedBus,
  kafkaBus,
  kafkaPublisher,
  leaseMigrations,
} from '@ordermesh/messaging';
import { createPool, databaseOf, migrate } from '@ordermesh/postgres';
import { appendWork } from '../append/ordermesh.ts';
import { worker } from '../append/workload.ts';
import { percentile } from '../measure/percentiles.ts';
import { interleaved } from '../measure/rounds.ts';
import { spreadOf } from '../measure/spread.ts';
import type { Table } from '../measure/table.ts';
import { makeLog, partitions } from '../postgres/log-database.ts';
import type { OwnServer } from '../postgres/own-server.ts';
import { reader } from './reader.ts';

const perSecond = 200;

/** How long after its acknowledgement an event reaches a consumer of each bus, at 200 appends per second. */
export async function lags(
  server: OwnServer,
  kafka: Kafka,
  { rounds, runMs }: { readonly rounds: number; readonly runMs: number },
): Promise<Table> {
  const names = ['log itself as the bus', 'Kafka'] as const;
  const samples = await interleaved(rounds, names, (name) =>
    lagOf(server, name === 'Kafka' ? kafka : undefined, runMs),
  );
  return {
    title: `Append to consumed, ${perSecond} appends/s`,
    unit: 'ms',
    head: 'bus',
    columns: ['p50', 'p99'],
    rows: names.map((name, index) => ({
      name,
      cells: [0.5, 0.99].map((share) =>
        spreadOf((samples[index] ?? []).map((sorted) => percentile(sorted, share))),
      ),
    })),
  };
}

/** @returns of each event, sorted, in ms */
async function lagOf(server: OwnServer, kafka: Kafka | undefined, runMs: number) {
  await using opened = new AsyncDisposableStack();
  const url = await server.createDatabase();
  await makeLog(url);
  const pool = createPool({ url, max: 10, name: 'bench' });
  opened.defer(() => pool.end());
  const store = createEventStore({ pool, partitions });
  const [appendedAt, consumedAt] = [new Map<bigint, number>(), new Map<bigint, number>()];
  const seen = reader(({ position }) => consumedAt.set(position, performance.now()));
  let bus: Bus;
  if (kafka === undefined) {
    const target = { url, database: databaseOf(url) ?? '' };
    await migrate({ ...target, ...leaseMigrations }, AbortSignal.timeout(30_000));
    bus = embeddedBus({ logUrl: url, viewUrl: url, partitions });
  } else {
    const place = {
      brokers: kafka.brokers.split(','),
      partitions,
      topic: `bench-${randomUUID()}`,
    };
    const publisher = kafkaPublisher(place);
    opened.use(startRelay({ bus: 'kafka', publisher, store, logUrl: url, partitions }));
    bus = kafkaBus(place);
  }
  const consumer = opened.use(await bus.consume({ group: 'bench', handler: seen.handler }));
  while (consumer.partitions().size < partitions) await sleep(10);

  const next = worker();
  const appends: Promise<void>[] = [];
  const start = performance.now();
  for (let due = 0; due < runMs; due += 1000 / perSecond) {
    await sleep(Math.max(0, due - (performance.now() - start)));
    const work = { ...next(), streamId: randomUUID(), version: 1 }; // no two on one stream: they overlap
    appends.push(
      appendWork(store, work, false).then(({ position }) => {
        appendedAt.set(position, performance.now());
      }),
    );
  }
  await Promise.all(appends);
  await seen.reached(appends.length);
  const lag = [...appendedAt].map(([position, at]) => (consumedAt.get(position) ?? at) - at);
  return lag.sort((a, b) => a - b);
}
