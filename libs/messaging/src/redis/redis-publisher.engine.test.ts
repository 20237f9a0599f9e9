import { header, type LogRow, toMessage } from '@ordermesh/contract';
import { clearMemorySpans, inSpan, memorySpans } from '@ordermesh/telemetry';
import { eventually, isMissing } from '@ordermesh/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type RedisFixture, redisFixture } from '../../fixtures/redis-fixture.ts';

describe.skipIf(isMissing('redis'))('redisPublisher()', () => {
  let redis: RedisFixture;
  beforeEach(async () => {
    redis = await redisFixture(inject('redisUrl'));
  });
  afterEach(() => redis[Symbol.asyncDispose]());

  const key = (partition: number) => `${redis.stream}:${partition}`;
  const positions = (rows: readonly LogRow[]) => rows.map((row) => row.position);
  /** Rows of one order in a partition, whose events take this many bytes each. */
  const rowsOf = (count: number, partition = 1, bytes = 10): LogRow[] => {
    const order = redis.rows.orderIn(partition);
    const data = JSON.stringify({ reason: 'x'.repeat(bytes) });
    return Array.from({ length: count }, () => redis.rows.next(order, { data }));
  };

  it('writes what any client reads: stream, id, value and headers as documented', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const row = redis.rows.next(redis.rows.orderIn(2), { traceparent, tracestate: 'vendor=1' });
    await inSpan('caller', {}, () => redis.publish([row]));
    const [entry] = await redis.plain.xrangeBuffer(key(2), '-', '+');
    const [id, fields = []] = entry ?? [];
    expect(String(id)).toBe(`${row.position}-0`);
    const { headers, value } = toMessage(row, 0n);
    const names = fields.filter((_, n) => n % 2 === 0).map(String);
    const contents = fields.filter((_, n) => n % 2 === 1);
    expect(names.pop()).toBe('value');
    expect(contents.pop()?.equals(value)).toBe(true);
    expect(names.map((name, n) => [name, String(contents[n])])).toEqual(Object.entries(headers));
    expect(headers).toMatchObject({ traceparent, tracestate: 'vendor=1' });
    expect(await redis.plain.get(`${redis.stream}:partitions`)).toBe('4');
  });

  it('sends in a trace of its own, linked to where each message was made', async () => {
    const traceIds = ['1', '2', '3'].map((digit) => digit.repeat(32));
    const rows = traceIds.map((id, n) =>
      redis.rows.next(redis.rows.orderIn(n), { traceparent: `00-${id}-b7ad6b7169203331-01` }),
    );
    clearMemorySpans();
    await inSpan('caller', {}, () => redis.publish(rows));
    const span = memorySpans().find(({ name }) => name === 'send ordermesh.order.events.v1');
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.links.map(({ context }) => context.traceId)).toEqual(traceIds);
    expect(span?.attributes).toMatchObject({
      'messaging.system.name': 'redis',
      'messaging.operation.name': 'send',
      'messaging.batch.message_count': 3,
    });
  });

  it('takes a repetition for acknowledged, and changes nothing', async () => {
    const messages = redis.number(rowsOf(5));
    await redis.publisher.publish(messages);
    await redis.publisher.publish(messages.slice(2));
    expect(await redis.held(1)).toEqual(messages.map(({ position }) => position));
  });

  it('lets a relay that was deposed change nothing, also in the midst of its successor', async () => {
    const messages = redis.number(rowsOf(40));
    await using zombie = redis.another();
    await using successor = redis.another();
    await zombie.publish(messages.slice(0, 10));
    await successor.publish(messages.slice(0, 30));
    await zombie.publish(messages.slice(10, 20));
    // Both at the same time, whoever is first.
    await Promise.all([successor.publish(messages.slice(20)), zombie.publish(messages.slice(20))]);
    expect(await redis.held(1)).toEqual(messages.map(({ position }) => position));
  });

  it('passes 1.5 MB of one partition, and the largest events that the log takes', async () => {
    const rows = [...rowsOf(300, 1, 5_000), ...rowsOf(3, 1, 256 * 1024 - 20)];
    await redis.publish(rows);
    expect(await redis.held(1)).toEqual(positions(rows));
  });

  it('goes on when the server has forgotten the scripts', async () => {
    await redis.publish(rowsOf(1));
    await redis.plain.script('FLUSH');
    const row = redis.rows.next(redis.rows.orderIn(2));
    await redis.publish([row]);
    expect(await redis.held(2)).toEqual([row.position]);
  });

  it('appends nothing behind a gap: it rejects until the stream is whole again', async () => {
    const lost = rowsOf(3);
    await redis.publish(lost);
    await redis.plain.del(key(1));
    const next = redis.number(rowsOf(2));
    await expect(redis.publisher.publish(next)).rejects.toThrow(/:1 lost what comes before/);
    expect(await redis.held(1)).toEqual([]);
    await redis.restore();
    await redis.publisher.publish(next);
    expect(await redis.held(1)).toEqual([
      ...positions(lost),
      ...next.map(({ position }) => position),
    ]);
  });

  it('publishes again what a failover took, with nothing new to publish', async () => {
    const rows = [...rowsOf(5, 1), ...rowsOf(5, 2)];
    await redis.publish(rows);
    // A replica that had the first three of partition 1, and nothing of 2.
    const entries = await redis.plain.xrangeBuffer(key(1), '-', '+');
    await redis.plain.del(key(1), key(2), `${redis.stream}:partitions`);
    for (const [id, fields] of entries.slice(0, 3)) await redis.plain.xadd(key(1), id, ...fields);
    await redis.restore();
    expect(await redis.held(1)).toEqual(positions(rows.slice(0, 5)));
    expect(await redis.held(2)).toEqual(positions(rows.slice(5)));
    expect(await redis.plain.xrangeBuffer(key(1), '-', '+')).toEqual(entries);
    expect(await redis.plain.get(`${redis.stream}:partitions`)).toBe('4');
  });

  it('fills a stream that lost everything as far back as it was told, with the true chain', async () => {
    const rows = rowsOf(50);
    await redis.publish(rows);
    await redis.plain.del(key(1));
    await using forgetful = redis.another({ keep: 10 });
    await redis.restore(forgetful);
    const held = await redis.held(1);
    expect(held).toEqual(positions(rows.slice(-9)));
    const [entry] = await redis.plain.xrange(key(1), '-', '+');
    const fields = entry?.[1] ?? [];
    expect(fields[fields.indexOf(header.prev) + 1]).toBe(String(rows.at(-10)?.position));
  });

  it('refuses another number of partitions, in one line', async () => {
    await using other = redis.another({ partitions: 12 });
    await expect(other.open()).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringMatching(/^PARTITIONS is 12, but \S+ in Redis has 4 partitions.*$/),
    });
  });

  it('says why there is no connection, and shows neither password nor events', async () => {
    await using away = redis.another({ url: 'redis://:hunter2@127.0.0.1:1', waitMs: 100 });
    await expect(away.open()).rejects.toThrow(/^Redis is away: connect ECONNREFUSED 127.0.0.1:1$/);
    await redis.plain.del(key(1));
    await redis.plain.set(key(1), 'no stream');
    const error: unknown = await redis.publish(rowsOf(1)).catch((error) => error);
    expect(error).toMatchObject({ message: expect.stringContaining('WRONGTYPE') });
    expect(error).not.toHaveProperty('command'); // with all its arguments
  });

  it('rejects what is in flight when it is disposed of, and everything afterwards', async () => {
    const other = redis.another();
    await other.open();
    // Holds the server's answers to everybody for a moment.
    await redis.plain.client('PAUSE', 200, 'WRITE');
    const messages = redis.number(rowsOf(1));
    const published = expect(other.publish(messages)).rejects.toThrow(/closed/i);
    await other[Symbol.asyncDispose]();
    await published;
    await expect(other.publish(messages)).rejects.toThrow(/closed/i);
    await eventually(async () => (await redis.plain.ping()) === 'PONG');
  });
});
