import { header } from '@ordermesh/contract';
import { type Kafka, startKafka } from '@ordermesh/engines';
import {
  createEventStore,
  openLog,
  type PostgresEventStore,
} from '@ordermesh/event-store-postgres';
import { kafkaBus, kafkaPublisher } from '@ordermesh/messaging';
import { type Recorder, recorder } from '@ordermesh/messaging/testing';
import { createPool } from '@ordermesh/postgres';
import { eventually, isMissing, startApp, type TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendEvents } from '../../test/append-events.ts';
import { logDatabase, partitions } from '../../test/serve-command.ts';

const patiently = { withinMs: 60_000 };

// A cluster for each test: the processes under test use the topic's own name, and so does every other mesh.
describe.skipIf(isMissing('kafka'))('command processes that relay to Kafka', () => {
  let kafka: Kafka;
  let database: TestDatabase;
  let pool: pg.Pool;
  let store: PostgresEventStore;
  beforeEach(async () => {
    kafka = await startKafka();
    database = await logDatabase();
    pool = createPool({ url: database.url, max: 4, name: 'test', onError: () => undefined });
    await openLog(pool, partitions);
    store = createEventStore({ pool, partitions });
  });
  afterEach(async () => {
    await pool.end();
    await database[Symbol.asyncDispose]();
    await kafka[Symbol.asyncDispose]();
  });

  const start = (settings: Record<string, string> = {}) =>
    startApp(`${import.meta.dirname}/../..`, {
      COMMAND_PORT: '0',
      COMMAND_ADMIN_PORT: '0',
      LOG_DATABASE_URL: database.url,
      TOKEN_KEY: '0123456789abcdef',
      KAFKA_BROKERS: kafka.brokers,
      ...settings,
    });
  const relay = async () => {
    const { rows } = await pool.query('SELECT position::int, epoch::int, owner FROM relay');
    return rows[0] ?? { position: 0, epoch: 0, owner: null };
  };
  /** Appends until stopped, and returns how many there are. */
  const load = () => {
    let total = 0;
    let isStopped = false;
    const running = (async () => {
      for (; !isStopped; total += 5) await appendEvents(store, 5);
    })();
    return {
      async stop() {
        isStopped = true;
        await running;
        return total;
      },
    };
  };
  const bus = () =>
    kafkaBus({ brokers: kafka.brokers.split(','), partitions, sessionTimeoutMs: 6000 });
  async function expectWholeLog(seen: Recorder, total: number): Promise<void> {
    await eventually(async () => (await relay()).position === total, patiently);
    await eventually(() => seen.seen().size === total, patiently);
    const reached = new Map<number, bigint>();
    for (const { partition, position, headers } of seen.messages()) {
      const last = reached.get(partition) ?? 0n;
      if (position <= last) continue; // published, or delivered, again
      expect(headers[header.prev]).toBe(String(last));
      reached.set(partition, position);
    }
  }

  it('lose nothing and keep the order when the leader is killed', async () => {
    await using first = start();
    await first.logged('relay leads');
    await using second = start();
    await second.logged('ready');
    const seen = recorder();
    await using _consumer = await bus().consume({ group: 'kill', handler: seen.handler('a') });
    const appending = load();
    await eventually(async () => (await relay()).position > 50, patiently);
    first.signal('SIGKILL');
    await second.logged('relay leads');
    const { position } = await relay();
    await eventually(async () => (await relay()).position > position + 50, patiently);
    await expectWholeLog(seen, await appending.stop());
    second.signal('SIGTERM');
    expect(await second.ended).toEqual({ code: 0, stderr: '' });
    expect((await relay()).owner).toBeNull();
  }, 120_000);

  it('never move the checkpoint back when a leader that was frozen wakes up', async () => {
    await using zombie = start();
    await zombie.logged('relay leads');
    await using second = start();
    await second.logged('ready');
    const seen = recorder();
    await using _consumer = await bus().consume({ group: 'frozen', handler: seen.handler('a') });
    const appending = load();
    await eventually(async () => (await relay()).position > 50, patiently);
    zombie.signal('SIGSTOP');
    await second.logged('relay leads');
    let { position } = await relay();
    await eventually(async () => (await relay()).position > position + 50, patiently);
    zombie.signal('SIGCONT');
    const held = await zombie.logged('the relay is held, trying again');
    expect(held).toMatchObject({ err: { type: 'DeposedError' } });
    for (let n = 0; n < 20; n++) {
      const now = await relay();
      expect(now.position).toBeGreaterThanOrEqual(position);
      expect(now.epoch).toBe(2);
      position = now.position;
    }
    await expectWholeLog(seen, await appending.stop());
  }, 120_000);

  it('serve commands while Kafka is away, and relay when it comes', async () => {
    const [broker] = kafka.nodes;
    await broker?.kill();
    try {
      await using command = start();
      await command.logged('ready');
      await appendEvents(store, 10);
      await command.logged('the relay is held, trying again');
      await broker?.restart();
      await eventually(async () => (await relay()).position === 10, patiently);
      command.signal('SIGTERM');
      expect(await command.ended).toEqual({ code: 0, stderr: '' });
    } finally {
      await broker?.restart();
    }
  }, 120_000);

  it('end with one line and code 1 when the topic has another number of partitions', async () => {
    await using other = kafkaPublisher({ brokers: kafka.brokers.split(','), partitions: 3 });
    await other.open();
    await using command = start();
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^.*PARTITIONS is 12, but topic ordermesh.order.events.v1 has 3 .*\n$/);
  });
});
