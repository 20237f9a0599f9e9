import { header } from '@ordermesh/contract';
import { metricsText } from '@ordermesh/telemetry';
import { eventually, isMissing } from '@ordermesh/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { expectTraced } from '../../fixtures/expect-traced.ts';
import { type KafkaFixture, kafkaFixture } from '../../fixtures/kafka-fixture.ts';
import { sendPlainly } from '../../fixtures/plain-kafka.ts';
import { type Recorder, recorder } from '../testing/index.ts';

describe.skipIf(isMissing('kafka'))('kafkaBus()', () => {
  let kafka: KafkaFixture;
  beforeEach(async () => {
    kafka = await kafkaFixture(inject('kafkaBrokers'));
  });
  afterEach(() => kafka[Symbol.asyncDispose]());

  /** A member of group `g` whose batch runs until `finish` is called; `others` are rows that are not published yet. */
  async function busyMember(seen: Recorder) {
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const handler = seen.handler('a', {
      batch() {
        begun.resolve();
        return finish.promise;
      },
    });
    const [first, ...others] = kafka.rows.oneEach();
    if (first === undefined) throw new Error('four rows were made');
    await kafka.publish([first]);
    const member = await kafka.bus({ graceMs: 60_000 }).consume({ group: 'g', handler });
    await begun.promise;
    return { member, finish: finish.resolve, others };
  }

  it("puts a handler's work into the trace of the order, and its own into none", () =>
    expectTraced('kafka', kafka));

  it('counts how far it is behind, also while fetching pauses', async () => {
    const seen = recorder();
    const finish = Promise.withResolvers<void>();
    const order = kafka.rows.orderIn(2);
    await kafka.publish(Array.from({ length: 33 }, () => kafka.rows.next(order)));
    const handler = seen.handler('a', { batch: () => finish.promise });
    await using consumer = await kafka.bus().consume({ group: 'far', handler, maxBatch: 5 });

    await eventually(() => consumer.lag().get(2) === 33);
    await kafka.publish(Array.from({ length: 7 }, () => kafka.rows.next(order)));
    await eventually(() => consumer.lag().get(2) === 40);
    expect(consumer.lag().get(0)).toBe(0);
    expect(await metricsText()).toMatch(
      /ordermesh_consumer_lag\{messaging_consumer_group_name="far",messaging_destination_partition_id="2"\} 40/,
    );
    finish.resolve();
    await eventually(() => seen.seen().size === 40);
    await eventually(() => consumer.lag().get(2) === 0);
  });

  it('lets the owner do its housekeeping while there is nothing to read, and not more often than asked', async () => {
    const seen = recorder();
    const calls: [partition: number, startedAt: number, endedAt: number][] = [];
    const idleEveryMs = 100;
    const handler = seen.handler('a', {
      async idle(partition) {
        const startedAt = performance.now();
        await new Promise(setImmediate);
        calls.push([partition, startedAt, performance.now()]);
        throw new Error('housekeeping fails, and comes again');
      },
    });
    await using _consumer = await kafka.bus().consume({ group: 'g', handler, idleEveryMs });
    const of = (partition: number) => calls.filter(([one]) => one === partition);
    await eventually(() => [0, 1, 2, 3].every((partition) => of(partition).length >= 3));
    await kafka.publish(kafka.rows.oneEach());
    await eventually(() => seen.seen().size === 4);
    for (const [n, [, startedAt]] of of(1).entries()) {
      if (n > 0) expect(startedAt - (of(1)[n - 1]?.[2] ?? 0)).toBeGreaterThanOrEqual(idleEveryMs);
    }
    expect(seen.violations()).toEqual([]);
  });

  it('handles a bounded number of partitions at the same time', async () => {
    const seen = recorder();
    let running = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const handler = seen.handler('a', {
      async batch() {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => gates.push(resolve));
        running--;
      },
    });
    await kafka.publish(kafka.rows.oneEach());
    await using _consumer = await kafka.bus({ concurrency: 2 }).consume({ group: 'g', handler });
    await eventually(() => gates.length === 2);
    await eventually(() => {
      for (const open of gates.splice(0)) open();
      return seen.seen().size === 4;
    });
    expect(most).toBe(2);
  });

  it('calls assigned again when it rejected, before any batch', async () => {
    const seen = recorder();
    const recorded = seen.handler('a');
    let failures = 0;
    const handler = {
      ...recorded,
      async assigned(partition: number, signal: AbortSignal) {
        if (partition === 1 && failures++ < 2) throw new Error('the store is down');
        await recorded.assigned(partition, signal);
      },
    };
    await kafka.publish(kafka.rows.oneEach());
    await using _consumer = await kafka.bus().consume({ group: 'g', handler });
    await eventually(() => seen.seen().size === 4);
    expect(failures).toBe(3);
    expect(seen.violations()).toEqual([]);
  });

  it('hands over what others wrote that cannot be read, and goes on behind it', async () => {
    const seen = recorder();
    const order = kafka.rows.orderIn(3);
    const wrong = { value: null, partition: 3 };
    await sendPlainly(kafka.brokers, kafka.topic, [
      { ...wrong, key: null },
      { ...wrong, key: order, headers: { [header.position]: 'none', [header.prev]: '' } },
      { ...wrong, key: order, headers: { [header.position]: ['12345678901234567890', '7'] } },
      { ...wrong, value: Buffer.from([0xff]), headers: { Other: Buffer.from([0xff, 0xfe]) } },
    ]);
    const row = kafka.rows.next(order);
    await kafka.publish([row]);
    await using consumer = await kafka.bus().consume({ group: 'g', handler: seen.handler('a') });
    await eventually(() => seen.messages().length === 5);
    expect(seen.messages().map(({ position, key }) => [position, key])).toEqual([
      [-4n, ''], // of partition 3 and offset 0
      [-1028n, order],
      [-2052n, order],
      [-3076n, ''],
      [row.position, order],
    ]);
    await eventually(() => consumer.lag().get(3) === 0);
  });

  it('keeps its partitions while one is held for longer than a session, trying again', async () => {
    const sessionTimeoutMs = 6_000; // the least that a cluster accepts by default
    const seen = recorder();
    const assigned: number[] = [];
    const tries: number[] = [];
    let isDown = true;
    const recorded = seen.handler('a', {
      async batch() {
        tries.push(performance.now());
        if (isDown) throw new Error('the store is down');
      },
    });
    const handler = {
      ...recorded,
      async assigned(partition: number, signal: AbortSignal) {
        assigned.push(partition);
        await recorded.assigned(partition, signal);
      },
    };
    await kafka.publish([kafka.rows.next(kafka.rows.orderIn(1))]);
    await using consumer = await kafka.bus({ sessionTimeoutMs }).consume({ group: 'g', handler });
    const heldMs = () => (tries.at(-1) ?? 0) - (tries[0] ?? 0);
    await eventually(() => heldMs() > sessionTimeoutMs * 1.5, { withinMs: 60_000 });
    isDown = false;
    await eventually(() => seen.seen().size === 1);
    expect(assigned.toSorted()).toEqual([0, 1, 2, 3]);
    expect(consumer.partitions().size).toBe(4);
    expect(seen.violations()).toEqual([]);
  }, 90_000);

  it('lets nobody have a partition while its batch runs', async () => {
    const seen = recorder();
    const { member, finish, others } = await busyMember(seen);
    await using a = member;
    await using b = await kafka.bus().consume({ group: 'g', handler: seen.handler('b') });
    // It has heard of the newcomer, and given everything away that does not run.
    await eventually(() => a.partitions().size === 0);
    expect(b.partitions().size).toBe(0);
    finish();
    await eventually(() => a.partitions().size === 2 && b.partitions().size === 2);
    await kafka.publish(others);
    await eventually(() => seen.seen().size === 4);
    expect(seen.messages()).toHaveLength(4); // the batch that ran was committed before it moved
    expect(seen.violations()).toEqual([]);
  });

  it('leaves the group also when it is disposed of while it joins', async () => {
    const seen = recorder();
    const { member, finish, others } = await busyMember(seen);
    await using a = member;
    const b = await kafka.bus().consume({ group: 'g', handler: seen.handler('b') });
    await eventually(() => a.partitions().size === 0); // so the newcomer's join has begun, and waits
    const disposed = b[Symbol.asyncDispose]();
    finish();
    await disposed;
    await eventually(() => a.partitions().size === 4, { withinMs: 20_000 });
    await kafka.publish(others);
    await eventually(() => seen.seen().size === 4);
    expect(seen.violations()).toEqual([]);
  });

  it('tells a batch that outlives its grace, and moves the partition without it', async () => {
    const seen = recorder();
    const begun = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    const hung = {
      ...seen.handler('a'),
      assigned: async () => undefined,
      revoked: async () => undefined,
      batch: async ({ signal }: { signal: AbortSignal }) => {
        begun.resolve();
        signal.addEventListener('abort', () => told.resolve());
        return new Promise<never>(() => undefined);
      },
    };
    await kafka.publish(kafka.rows.oneEach());
    await using _a = await kafka.bus({ graceMs: 200 }).consume({ group: 'g', handler: hung });
    await begun.promise; // else both would join at once, and nothing would move
    await using b = await kafka.bus().consume({ group: 'g', handler: seen.handler('b') });
    await told.promise;
    await eventually(() => b.partitions().size === 2, { withinMs: 30_000 });
    await eventually(() => seen.seen().size === 2);
  });

  it('refuses a topic with another number of partitions, and one that is not there', async () => {
    const handler = recorder().handler('a');
    await expect(
      kafka.bus({ partitions: 12 }).consume({ group: 'g', handler }),
    ).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringMatching(/^PARTITIONS is 12, but topic \S+ has 4 partitions.*$/),
    });
    await expect(
      kafka.bus({ topic: `${kafka.topic}.none`, waitMs: 300 }).consume({ group: 'g', handler }),
    ).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining('there is no topic'),
    });
  });
});
