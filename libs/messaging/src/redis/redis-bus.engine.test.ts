import type { LogRow } from '@ordermesh/contract';
import { metricsText } from '@ordermesh/telemetry';
import { eventually, isMissing } from '@ordermesh/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { expectTraced } from '../../fixtures/expect-traced.ts';
import { type RedisFixture, redisFixture } from '../../fixtures/redis-fixture.ts';
import { recorder } from '../testing/index.ts';

/** So rarely that what arrives was woken. */
const noPolling = { pollEveryMs: 600_000 };

describe.skipIf(isMissing('redis'))('redisBus()', () => {
  let redis: RedisFixture;
  beforeEach(async () => {
    // Streams that keep no more than they must.
    redis = await redisFixture(inject('redisUrl'), { keep: 0 });
  });
  afterEach(() => redis[Symbol.asyncDispose]());

  const key = (partition: number) => `${redis.stream}:${partition}`;
  /** Large, so that a node of the stream holds a few of them only: trimming drops whole nodes. */
  const rowsOf = (count: number, partition = 2): LogRow[] => {
    const order = redis.rows.orderIn(partition);
    const data = JSON.stringify({ reason: 'x'.repeat(1000) });
    return Array.from({ length: count }, () => redis.rows.next(order, { data }));
  };
  const positions = (rows: readonly LogRow[]) => rows.map((row) => row.position);
  /** What XINFO GROUPS says of a group, by name. */
  const told = async (group: string, partition = 2) => {
    const groups = (await redis.plain.xinfo('GROUPS', key(partition))) as unknown[][];
    const found = groups.find((one) => one[1] === group);
    if (found === undefined) throw new Error(`no group ${group}`);
    const value = (name: string) => found[found.indexOf(name) + 1];
    return {
      id: value('last-delivered-id'),
      lag: value('lag'),
      read: value('entries-read'),
      pending: value('pending'),
    };
  };
  const tells = (group: string, wanted: object, partition = 2) =>
    eventually(async () => expect(await told(group, partition)).toMatchObject(wanted));
  /** Consumes until everything is acknowledged, and leaves. */
  async function consumeAll(group: string, rows: readonly LogRow[]): Promise<void> {
    const seen = recorder();
    await using _consumer = await redis.bus().consume({ group, handler: seen.handler(group) });
    await tells(group, { id: `${rows.at(-1)?.position}-0` });
  }

  it("puts a handler's work into the trace of the order, and its own into none", () =>
    expectTraced('redis', redis));

  it('is woken by what is published, with no polling', async () => {
    const seen = recorder();
    await using consumer = await redis
      .bus(noPolling)
      .consume({ group: 'g', handler: seen.handler('a') });
    await eventually(() => consumer.partitions().size === 4);
    for (let round = 1; round <= 3; round++) {
      await redis.publish(redis.rows.oneEach());
      await eventually(() => seen.seen().size === 4 * round);
    }
  });

  it('finds by polling what no news told: what comes again after a loss', async () => {
    const seen = recorder();
    const monitor = await redis.plain.monitor();
    const waitedFor: string[] = [];
    monitor.on('monitor', (_, args: string[]) => waitedFor.push(args.join(' ')));
    await using _consumer = await redis
      .bus({ pollEveryMs: 50 })
      .consume({ group: 'g', handler: seen.handler('a') });
    await redis.plain.xadd(key(2), '1000-0', 'who', 'knows');
    await eventually(() => waitedFor.some((call) => /^xread .* 1000-0( |$)/i.test(call)));
    monitor.disconnect();
    await redis.plain.del(key(2));
    await redis.publish(rowsOf(1)); // before the place that is waited for
    await eventually(() => seen.seen().size === 1);
  });

  it('counts how far it is behind, also when that is more than can be counted one by one', async () => {
    const seen = recorder();
    const finish = Promise.withResolvers<void>();
    await redis.publish(rowsOf(1500));
    const handler = seen.handler('a', { batch: () => finish.promise });
    await using consumer = await redis
      .bus({ pollEveryMs: 50 })
      .consume({ group: 'far', handler, maxBatch: 100 });
    await eventually(() => consumer.lag().get(2) === 1500, { withinMs: 30_000 });
    expect(consumer.lag().get(0)).toBe(0);
    expect(await metricsText()).toMatch(
      /ordermesh_consumer_lag\{messaging_consumer_group_name="far",messaging_destination_partition_id="2"\} 1500/,
    );
    finish.resolve();
    await eventually(() => seen.seen().size === 1500);
    await eventually(() => consumer.lag().get(2) === 0);
  });

  it("tells Redis how far a group is: its own figures show the lag, also in the midst of a batch's work", async () => {
    const seen = recorder();
    const rows = rowsOf(20);
    await redis.publish(rows);
    let mayHandle = 10;
    const handler = seen.handler('a', {
      async batch({ messages }) {
        if (mayHandle < messages.length) throw new Error('held by the test');
        mayHandle -= messages.length;
      },
    });
    {
      await using _consumer = await redis.bus().consume({ group: 'g', handler, maxBatch: 5 });
      await tells('g', { id: `${rows[9]?.position}-0`, read: 10, lag: 10, pending: 0 });
      expect(await redis.committed(2, 'g')).toBe(rows[9]?.position);
      await redis.publish(rowsOf(7));
      await tells('g', { lag: 17 });
    }
    // Another process, that knows nothing of what was read before.
    mayHandle = 5;
    await using _consumer = await redis.bus().consume({ group: 'g', handler, maxBatch: 5 });
    await tells('g', { id: `${rows[14]?.position}-0`, read: 15, lag: 12 });
    mayHandle = 100;
    await tells('g', { read: 27, lag: 0 });
  });

  it('drops what all groups are done with, and nothing that the slowest is not', async () => {
    const rows = rowsOf(60);
    await redis.publish(rows);
    const slow = recorder();
    let mayHandle = 20;
    const handler = slow.handler('slow', {
      async batch({ messages }) {
        if (mayHandle < messages.length) throw new Error('held by the test');
        mayHandle -= messages.length;
      },
    });
    await using _slow = await redis.bus().consume({ group: 'slow', handler, maxBatch: 10 });
    await tells('slow', { id: `${rows[19]?.position}-0` });
    await consumeAll('quick', rows);
    const held = await eventually(async () => {
      const now = await redis.held(2);
      return now.length < 60 && now;
    });
    expect(held.slice(-41)).toEqual(positions(rows.slice(19)));
    mayHandle = 1000;
    await eventually(() => slow.seen().size === 60);
    expect(slow.positionsOf(2)).toEqual(positions(rows));
    // Now all are done with everything. What stays is the rest of the last node, with the last entry.
    await eventually(async () => (await redis.held(2)).length < 10);
    expect((await redis.held(2)).at(-1)).toBe(rows.at(-1)?.position);
  });

  it('holds everything for a group that has acknowledged nothing, until an operator ends it', async () => {
    const rows = rowsOf(60);
    const never = recorder().handler('never', {
      batch: () => Promise.reject(new Error('the store is down')),
    });
    await redis.publish(rows);
    {
      await using _never = await redis.bus().consume({ group: 'never', handler: never });
      await tells('never', { id: '0-0', lag: 60 });
    }
    await consumeAll('quick', rows);
    expect(await redis.held(2)).toEqual(positions(rows));
    for (let n = 0; n < 4; n++) await redis.plain.xgroup('DESTROY', key(n), 'never');
    const more = rowsOf(60);
    await redis.publish(more);
    await consumeAll('quick', more);
    expect((await redis.held(2)).length).toBeLessThan(10);
    expect((await redis.held(2)).at(-1)).toBe(more.at(-1)?.position);
  });

  it('holds what a group of another client was given and has not acknowledged', async () => {
    const rows = rowsOf(60);
    await redis.publish(rows);
    await redis.plain.xgroup('CREATE', key(2), 'native', '0');
    const reading = ['GROUP', 'native', 'one', 'COUNT', 40, 'STREAMS', key(2), '>'] as const;
    await redis.plain.xreadgroup(...reading);
    const done = rows.slice(0, 20).map(({ position }) => `${position}-0`);
    await redis.plain.xack(key(2), 'native', ...done);
    await consumeAll('quick', rows);
    const held = await redis.held(2);
    expect(held.slice(-41)).toEqual(positions(rows.slice(19)));
    expect(held.length).toBeLessThan(60);
  });

  it('keeps as many positions as it was told, for whoever comes later', async () => {
    const rows = rowsOf(60);
    await redis.publish(rows);
    const seen = recorder();
    await using _consumer = await redis
      .bus({ keep: 30 })
      .consume({ group: 'g', handler: seen.handler('a') });
    const held = await eventually(async () => {
      const now = await redis.held(2);
      return now.length < 60 && now;
    });
    expect(held.slice(-31)).toEqual(positions(rows.slice(-31)));
  });

  it('tells a group again that Redis has lost, and never moves one back', async () => {
    const seen = recorder();
    const rows = rowsOf(5);
    await redis.publish(rows);
    await using _consumer = await redis.bus().consume({ group: 'g', handler: seen.handler('a') });
    const at = { id: `${rows.at(-1)?.position}-0`, lag: 0 };
    await tells('g', at);
    await redis.plain.xgroup('DESTROY', key(2), 'g');
    await eventually(() => told('g'), { withinMs: 20_000 });
    await tells('g', at);
    // By the figure, which is wrong until then, it shows that Redis was told.
    await redis.plain.xgroup('SETID', key(2), 'g', '1000000-0', 'ENTRIESREAD', 1);
    await redis.publish(rowsOf(1));
    await eventually(async () => (await told('g')).read === 6);
    expect(await told('g')).toMatchObject({ id: '1000000-0', lag: 0 });
  });

  it('leaves out what no relay wrote, and hands on what comes before and behind', async () => {
    const seen = recorder();
    const [first, second] = [rowsOf(1), rowsOf(1)];
    await redis.publish(first);
    await redis.plain.xadd(key(2), `${second[0]?.position}-0`, 'value', 'forged');
    await redis.plain.xadd(key(2), `${second[0]?.position}-7`, 'ordermesh-position', '7');
    const [third] = [rowsOf(1)];
    await redis.publish(third);
    await redis.plain.xadd(key(2), '*', 'ordermesh-position', 'none');
    await using _consumer = await redis
      .bus()
      .consume({ group: 'g', handler: seen.handler('a'), maxBatch: 2 });
    await eventually(() => seen.seen().size === 2);
    expect(seen.messages().map(({ position }) => position)).toEqual(
      positions([...first, ...third]),
    );
    await tells('g', { id: `${third[0]?.position}-0` });
    await expect(redis.restore()).rejects.toThrow(/ahead of the log/);
  });

  it('refuses another number of partitions, and a server that is not there', async () => {
    const handler = recorder().handler('a');
    await expect(
      redis.bus({ partitions: 12 }).consume({ group: 'g', handler }),
    ).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringMatching(/^PARTITIONS is 12, but .* has 4 partitions/),
    });
    await expect(
      redis.bus({ url: 'redis://127.0.0.1:1', waitMs: 100 }).consume({ group: 'g', handler }),
    ).rejects.toThrow(/Redis is away: connect ECONNREFUSED/);
  });
});
