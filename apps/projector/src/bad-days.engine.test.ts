// Projector processes on real engines that fail: one stage for the file, and each test leaves it whole.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@elastic/elasticsearch';
import { type BusMessage, header } from '@ordermesh/contract';
import { kafkaBus } from '@ordermesh/messaging';
import {
  elasticsearchProjection,
  type OrderViewWriter,
  postgresProjection,
} from '@ordermesh/read-model';
import { connect } from '@ordermesh/rpc';
import { type AppProcess, eventually, isMissing } from '@ordermesh/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { partitions, patiently, type Stage, stage, topic } from '../test/stage.ts';
import type { Customers } from './customers.ts';
import { projection } from './projection.ts';
import { readLogPointFrom, readStretchFrom } from './read-stretch.ts';

const soak = Boolean(process.env.SOAK);
/** Leaders killed. */
const leaders = soak ? 10 : 1;
/** How long Elasticsearch is dead. */
const outageMs = soak ? 30_000 : 3_000;
/** Projectors killed. */
const kills = soak ? 20 : 1;
/** Pause between two rebalances. */
const rebalanceMs = 2_000;

const poisons: readonly {
  readonly what: string;
  readonly errorClass: string;
  damage(message: BusMessage): BusMessage;
}[] = [
  {
    what: 'bad bytes',
    errorClass: 'undecodable',
    damage: (message) => ({ ...message, value: Buffer.from([0xff, 0xff, 0x00]) }),
  },
  {
    what: 'unknown type',
    errorClass: 'unknown_type',
    damage: withHeader(header.type, 'ordermesh.order.v1.OrderLost'),
  },
  { what: 'future schema', errorClass: 'future_schema', damage: withHeader(header.schema, '99') },
  { what: 'no version', errorClass: 'malformed_header', damage: withHeader(header.sequence, '') },
];
function withHeader(name: string, value: string) {
  return (message: BusMessage) => ({ ...message, headers: { ...message.headers, [name]: value } });
}

const timeout = soak ? 900_000 : 240_000;

describe.skipIf(isMissing('kafka') || isMissing('elasticsearch'))('projectors', () => {
  let on: Stage;
  /** They outlive a test: a start and the wait for its partitions take seconds. */
  const running: AppProcess[] = [];
  beforeAll(async () => {
    on = await stage();
  }, 300_000);
  afterAll(async () => {
    await Promise.all(running.map((one) => one[Symbol.asyncDispose]()));
    await on?.[Symbol.asyncDispose]();
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail')
      for (const one of running) console.error(one.lines().slice(-30));
  });

  /** Starts or stops projectors until so many run. */
  async function projectors(count: number): Promise<void> {
    while (running.length > count) {
      const last = running.pop();
      last?.signal('SIGTERM');
      expect(await last?.ended).toEqual({ code: 0, stderr: '' });
    }
    while (running.length < count) running.push(await on.startProjector());
  }
  const whole = async (what: string, leftOut?: ReadonlySet<string>) => {
    const { orders, events } = await on.expectWhole(leftOut);
    console.log(`${what}: ${orders} orders, ${events} events in both stores`);
  };
  const parkedOrders = new Set<string>();

  it(
    `lose no acknowledged event when leaders of three brokers are killed under load (${leaders})`,
    async () => {
      await projectors(1);
      {
        await using load = on.load();
        for (let n = 0; n < leaders; n++) {
          await load.more(300);
          const leader = await leaderOf(n % partitions);
          await leader.kill();
          await load.more(300);
          await leader.restart();
        }
        await load.more(300);
      }
      await whole(`${leaders} leaders killed`, parkedOrders);
    },
    timeout,
  );

  async function leaderOf(partition: number) {
    const { topics } = await on.admin((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    const found = topics[0]?.partitions.find((one) => one.partitionId === partition)?.leader ?? 1;
    const node = on.kafka.nodes[found - 1];
    if (node === undefined) throw new Error(`there is no broker ${found}`);
    return node;
  }

  const offsets = async (groupId: string) => {
    const [found] = await on.admin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
    return new Map(found?.partitions.map((one) => [one.partition, one.offset]));
  };
  const ends = async () => {
    const found = await on.admin((admin) => admin.fetchTopicOffsets(topic));
    return new Map(found.map((one) => [one.partition, one.high]));
  };

  it(
    'go on with PostgreSQL while Elasticsearch is dead, move no offset past what it lacks, and catch up',
    async () => {
      await projectors(2);
      await on.publish(on.log.append(oneEach()));
      await on.expectWhole(parkedOrders);
      const sorted = (of: Map<number, string>) => [...of].toSorted(([a], [b]) => a - b);
      await eventually(async () => {
        expect(sorted(await offsets(elasticsearchProjection))).toEqual(sorted(await ends()));
      }, patiently);
      const before = sorted(await offsets(elasticsearchProjection));

      await on.elasticsearch.kill();
      const until = performance.now() + outageMs;
      const missed = [oneEach(), oneEach(), oneEach()].flat();
      await on.publish(on.log.append(missed));
      const ids = missed.map(({ streamId }) => streamId);
      await eventually(
        async () => (await on.stores.PostgreSQL.load(ids)).size === ids.length,
        patiently,
      );
      do {
        expect(sorted(await offsets(elasticsearchProjection))).toEqual(before);
        await delay(250);
      } while (performance.now() < until);
      await on.elasticsearch.restart();
      const started = performance.now();
      await eventually(
        async () => (await on.stores.Elasticsearch.load(ids)).size === ids.length,
        patiently,
      );
      const tookMs = performance.now() - started;
      await whole(
        `Elasticsearch dead for ${outageMs} ms, drained ${tookMs.toFixed(0)} ms after its restart`,
        parkedOrders,
      );
    },
    timeout,
  );

  it(
    `leave both views as the log has it when they are killed in a loop (${kills}) and rebalanced every ${rebalanceMs} ms`,
    async () => {
      await projectors(2);
      {
        await using load = on.load();
        await using _newcomers = newcomers();
        for (let n = 0; n < kills; n++) {
          await load.more(200);
          running.shift()?.signal('SIGKILL');
          await projectors(2);
        }
        await load.more(200);
      }
      await whole(`${kills} projectors killed`, parkedOrders);
    },
    timeout,
  );

  /** Joins both groups and leaves them again, for ever; what it is given it projects. */
  function newcomers(): AsyncDisposable {
    const stopping = new AbortController();
    const pause = () =>
      delay(rebalanceMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    const running = (async () => {
      const log = { address: on.log.address, serviceName: 'test', defaultTimeoutMs: 20_000 };
      await using channel = connect(log);
      const bus = kafkaBus({ brokers: on.kafka.brokers.split(','), partitions });
      const customers: Customers = {
        lookup: async (ids) => new Map(ids.map((id) => [id, 'pending'])),
      };
      const join = (name: string, views: OrderViewWriter) => {
        const log = {
          readStretch: readStretchFrom(channel),
          readPoint: readLogPointFrom(channel),
          onDiverged: (error: Error) => {
            throw error;
          },
        };
        return bus.consume({
          group: name,
          handler: projection({ name, views, customers, ...log }),
        });
      };
      while (!stopping.signal.aborted) {
        await using _first = await join(postgresProjection, on.stores.PostgreSQL);
        await using _second = await join(elasticsearchProjection, on.stores.Elasticsearch);
        await pause();
      }
    })();
    return {
      async [Symbol.asyncDispose]() {
        stopping.abort();
        await running;
      },
    };
  }

  it(
    'make both views whole from a topic that retention emptied, as new groups, without a further event',
    async () => {
      await projectors(0);
      await on.publish(on.log.append([...oneEach(), ...oneEach()]));
      await on.admin(async (admin) => {
        const all = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
          partition,
          offset: high,
        }));
        await admin.deleteTopicRecords({ topic, partitions: all });
        for (const group of [postgresProjection, elasticsearchProjection])
          await eventually(async () => {
            const { groups } = await admin.describeGroups([group]);
            if (groups[0]?.state === 'Dead') return true; // there is none by that name
            await admin.deleteGroups([group]); // refused while who was killed is still a member
            return false;
          }, patiently);
      });
      await projectors(1);
      await whole('topic emptied and groups deleted', parkedOrders);
    },
    timeout,
  );

  const deleteIndex = async (index: string) => {
    const client = new Client({ node: on.elasticsearch.url });
    await client.indices.delete({ index }).finally(() => client.close());
  };

  it.each(['orders-es@000001', 'orders-es@000001-checkpoints'])(
    'fill Elasticsearch again when %s is deleted while they run, without a restart',
    async (index) => {
      await projectors(1);
      await whole(`before ${index} is deleted`, parkedOrders);
      await deleteIndex(index);
      await on.publish(on.log.append(oneEach()));
      await whole(`${index} deleted under a running projector`, parkedOrders);
    },
    timeout,
  );

  it(
    'fill Elasticsearch again when the views are deleted while they are stopped, without a further event',
    async () => {
      await projectors(0);
      await deleteIndex('orders-es@000001');
      await projectors(1);
      await whole('views deleted behind a stopped projector', parkedOrders);
    },
    timeout,
  );

  it(
    'park the order of a poison message with its bytes and headers, and do not hold up the next order of its partition',
    async () => {
      const partition = 5;
      await projectors(1);
      await on.expectWhole(parkedOrders);
      const created = poisons.map(() => on.rows.created(partition, randomUUID()));
      await on.publish(on.log.append(created));
      const sent = created.flatMap(({ streamId }, n) =>
        on.log.append([on.rows.next(streamId, 'OrderPaid')], poisons[n]?.damage),
      );
      const after = on.rows.created(partition, randomUUID());
      const started = performance.now();
      await on.publish([...sent, ...on.log.append([after])]);
      for (const store of Object.values(on.stores))
        await eventually(async () => (await store.load([after.streamId])).size === 1, patiently);
      console.log(
        `the order behind ${poisons.length} poison messages was in both stores after ${(performance.now() - started).toFixed(0)} ms`,
      );
      for (const { streamId } of created) parkedOrders.add(streamId);
      await whole('poison parked', parkedOrders);
      for (const name of ['PostgreSQL', 'Elasticsearch'] as const) {
        const letters = await on.deadLetters(name);
        const seen = sent.map(({ position, key, value, headers }, n) => {
          const found = letters.get(position);
          expect([name, found?.orderId]).toEqual([name, key]);
          expect(found?.value.equals(value)).toBe(true);
          expect(found?.headers).toEqual(headers);
          return [poisons[n]?.what, found?.errorClass];
        });
        expect(seen).toEqual(poisons.map(({ what, errorClass }) => [what, errorClass]));
      }
    },
    timeout,
  );

  it(
    'put aside a message whose position cannot be read, and take from the log what it was',
    async () => {
      const partition = 6;
      await projectors(1);
      await on.expectWhole(parkedOrders);
      const created = on.rows.created(partition, randomUUID());
      await on.publish(on.log.append([created]));
      const [event] = on.log.append([on.rows.next(created.streamId, 'OrderPaid')]) as [BusMessage];
      const headers = { ...event.headers, [header.position]: 'twelve' };
      await on.publish([{ ...event, headers }]);
      await on.publish(on.log.append([on.rows.created(partition, randomUUID())]));
      await whole('message without a position', parkedOrders);
      for (const name of ['PostgreSQL', 'Elasticsearch'] as const) {
        const letters = [...(await on.deadLetters(name))].filter(([position]) => position < 0n);
        expect(letters).toEqual([
          [
            expect.any(BigInt),
            {
              orderId: created.streamId,
              errorClass: 'malformed_header',
              value: Buffer.from(event.value),
              headers,
            },
          ],
        ]);
      }
    },
    timeout,
  );

  /** A new order in each partition. */
  const oneEach = () =>
    Array.from({ length: partitions }, (_, partition) => on.rows.created(partition, randomUUID()));
});
