import { setTimeout as delay } from 'node:timers/promises';
import { type Kafka, startKafka } from '@ordermesh/engines';
import { kafkaBus, kafkaPublisher } from '@ordermesh/messaging';
import { recorder } from '@ordermesh/messaging/testing';
import { eventually, isMissing } from '@ordermesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendEvents } from '../../test/append-events.ts';
import { patiently, type RelayedLog, relayedLog } from '../../test/relayed-log.ts';
import { partitions } from '../../test/serve-command.ts';

/** How long Kafka is dead. */
const outageMs = process.env.SOAK ? 30_000 : 2_000;

// A cluster for each test: the processes under test use the topic's own name, and so does every other mesh.
describe.skipIf(isMissing('kafka'))('command processes that relay to Kafka', () => {
  let kafka: Kafka;
  let log: RelayedLog;
  beforeEach(async () => {
    kafka = await startKafka();
    log = await relayedLog({ KAFKA_BROKERS: kafka.brokers });
  });
  afterEach(async () => {
    await log[Symbol.asyncDispose]();
    await kafka[Symbol.asyncDispose]();
  });

  const start = () => log.start();
  const relay = () => log.relay();
  const bus = () =>
    kafkaBus({ brokers: kafka.brokers.split(','), partitions, sessionTimeoutMs: 6000 });

  it('lose nothing and keep the order when the leader is killed', async () => {
    await using first = start();
    await first.logged('relay leads');
    await using second = start();
    await second.logged('ready');
    const seen = recorder();
    await using _consumer = await bus().consume({ group: 'kill', handler: seen.handler('a') });
    await using appending = log.load();
    await eventually(async () => (await relay()).position > 50, patiently);
    first.signal('SIGKILL');
    await second.logged('relay leads');
    const { position } = await relay();
    await eventually(async () => (await relay()).position > position + 50, patiently);
    await log.expectWholeLog(seen, await appending.stop());
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
    await using appending = log.load();
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
    await log.expectWholeLog(seen, await appending.stop());
  }, 120_000);

  it('start while Kafka is away, and relay when it comes', async () => {
    const [broker] = kafka.nodes;
    await broker?.kill();
    try {
      await using command = start();
      await command.logged('ready');
      await appendEvents(log.store, 10);
      await command.logged('the relay is held, trying again');
      await broker?.restart();
      await eventually(async () => (await relay()).position === 10, patiently);
      command.signal('SIGTERM');
      expect(await command.ended).toEqual({ code: 0, stderr: '' });
    } finally {
      await broker?.restart();
    }
  }, 120_000);

  it(`drain what was appended while Kafka was dead (${outageMs} ms) in order per key, with nothing lost`, async () => {
    await using command = start();
    await command.logged('relay leads');
    const seen = recorder();
    await using _consumer = await bus().consume({ group: 'dead', handler: seen.handler('a') });
    await using appending = log.load();
    await eventually(async () => (await relay()).position > 50, patiently);
    const [broker] = kafka.nodes;
    await broker?.kill();
    const before = appending.appended();
    await delay(outageMs);
    expect(appending.appended()).toBeGreaterThan(before);
    await broker?.restart();
    await log.expectWholeLog(seen, await appending.stop());
    command.signal('SIGTERM');
    expect(await command.ended).toEqual({ code: 0, stderr: '' });
  }, 300_000);

  it('end with one line and code 1 when the topic has another number of partitions', async () => {
    await using other = kafkaPublisher({ brokers: kafka.brokers.split(','), partitions: 3 });
    await other.open();
    await using command = start();
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^.*PARTITIONS is 12, but topic ordermesh.order.events.v1 has 3 .*\n$/);
  });
});
