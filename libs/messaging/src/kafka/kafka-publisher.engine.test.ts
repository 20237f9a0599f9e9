import { createRequire } from 'node:module';
import { type BusMessage, type LogRow, toMessage } from '@ordermesh/contract';
import { clearMemorySpans, inSpan, memorySpans } from '@ordermesh/telemetry';
import { isMissing } from '@ordermesh/testing';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type KafkaFixture, kafkaFixture } from '../../fixtures/kafka-fixture.ts';
import { type PlainMessage, readPlainly } from '../../fixtures/plain-kafka.ts';
import { kafkaClient } from './kafka-client.ts';
import { kafkaPublisher } from './kafka-publisher.ts';

describe.skipIf(isMissing('kafka'))('kafkaPublisher()', () => {
  let kafka: KafkaFixture;
  beforeEach(async () => {
    kafka = await kafkaFixture(inject('kafkaBrokers'));
  });
  afterEach(() => kafka[Symbol.asyncDispose]());

  const read = (count: number) => readPlainly(kafka.brokers, kafka.topic, count);
  const position = ({ headers }: PlainMessage) => Number(headers?.['ordermesh-position']);
  /** Rows of one order whose events take this many bytes each. */
  const rowsOf = (count: number, bytes: number): LogRow[] => {
    const order = kafka.rows.orderIn(1);
    const data = JSON.stringify({ reason: 'x'.repeat(bytes) });
    return Array.from({ length: count }, () => kafka.rows.next(order, { data }));
  };
  const positions = (rows: readonly LogRow[]) => rows.map((row) => Number(row.position));

  it('writes what any client reads: key, partition, value and headers as documented', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const row = kafka.rows.next(kafka.rows.orderIn(2), { traceparent, tracestate: 'vendor=1' });
    await inSpan('caller', {}, () => kafka.publish([row]));
    const [message] = await read(1);
    const wanted = toMessage(row, 0n);
    expect(message?.partition).toBe(2);
    expect(message?.key?.toString()).toBe(row.streamId);
    expect(message?.value?.equals(wanted.value)).toBe(true);
    const entries = Object.entries(message?.headers ?? {});
    expect(Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))).toEqual(
      wanted.headers,
    );
    expect(wanted.headers).toMatchObject({ traceparent, tracestate: 'vendor=1' });
  });

  it('sends in a trace of its own, linked to where each message was made', async () => {
    const traceIds = ['1', '2', '3'].map((digit) => digit.repeat(32));
    const rows = traceIds.map((id, n) =>
      kafka.rows.next(kafka.rows.orderIn(n), { traceparent: `00-${id}-b7ad6b7169203331-01` }),
    );
    clearMemorySpans();
    await inSpan('caller', {}, () => kafka.publish(rows));
    const span = memorySpans().find(({ name }) => name === 'send ordermesh.order.events.v1');
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.links.map(({ context, attributes }) => [context.traceId, attributes])).toEqual(
      traceIds.map((id) => [id, { 'ordermesh.link': 'message' }]),
    );
    expect(span?.attributes).toEqual({
      'messaging.system.name': 'kafka',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'ordermesh.order.events.v1',
      'messaging.batch.message_count': 3,
    });
  });

  it('passes 1.5 MB of one partition, which is more than a record batch may hold', async () => {
    const rows = rowsOf(300, 5_000);
    await kafka.publish(rows);
    expect((await read(300)).map(position)).toEqual(positions(rows));
  });

  it('passes the largest event that the log takes', async () => {
    const rows = rowsOf(3, 256 * 1024 - 20);
    await kafka.publish(rows);
    expect((await read(3)).map(position)).toEqual(positions(rows));
  });

  it('halves what the topic refuses as too large, and goes on', async () => {
    await setTopic(kafka, 'max.message.bytes', '50000');
    const rows = rowsOf(40, 10_000);
    await kafka.publish(rows);
    await kafka.publish(rowsOf(3, 10));
    const seen = (await read(43)).map(position);
    expect([...new Set(seen)].slice(0, 40)).toEqual(positions(rows));
  });

  it('rejects an event that the topic refuses by itself, and takes others afterwards', async () => {
    await setTopic(kafka, 'max.message.bytes', '50000');
    await expect(kafka.publish(rowsOf(1, 60_000))).rejects.toMatchObject({
      type: 'MESSAGE_TOO_LARGE',
    });
    const rows = rowsOf(2, 10);
    await kafka.publish(rows);
    expect((await read(2)).map(position)).toEqual(positions(rows));
  });

  it('begins with new sequence numbers after a send that the broker took in part', async () => {
    await setTopic(kafka, 'max.message.bytes', '50000');
    const order = kafka.rows.orderIn(0);
    const [taken, also, next] = [1, 2, 3].map(() => kafka.rows.next(order)) as [
      LogRow,
      LogRow,
      LogRow,
    ];
    const sent = kafka.number([taken, ...rowsOf(1, 60_000), also]);
    await expect(kafka.publisher.publish(sent)).rejects.toMatchObject({
      type: 'MESSAGE_TOO_LARGE',
    });
    await kafka.publish([next]);
    const seen = new Set((await read(3)).map(position));
    expect(seen).toEqual(new Set(positions([taken, also, next])));
  });

  it('sends again what the client acknowledged without sending', async () => {
    const rows = kafka.rows.oneEach();
    const undo = leaveOut(2);
    try {
      await kafka.publish(rows);
    } finally {
      undo();
    }
    expect((await read(4)).map(position).sort()).toEqual(positions(rows));
  });

  it('makes the topic with a retention of its own, and takes one that is there', async () => {
    const admin = kafkaClient(kafka.brokers).admin();
    await admin.connect();
    const resources = [{ type: 2, name: kafka.topic, configNames: ['retention.ms'] }];
    const described = await admin.describeConfigs({ resources, includeSynonyms: false });
    await admin.disconnect();
    const [retention] = described.resources[0]?.configEntries ?? [];
    expect(retention).toMatchObject({ configValue: '604800000', isDefault: false });
    await using other = kafkaPublisher(kafka);
    await other.open();
  });

  it('refuses a topic with another number of partitions, in one line', async () => {
    await using other = kafkaPublisher({ ...kafka, partitions: 12 });
    await expect(other.open()).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringMatching(/^PARTITIONS is 12, but topic \S+ has 4 partitions.*$/),
    });
  });

  it('rejects what is in flight when it is disposed of', async () => {
    const other = kafkaPublisher({ ...kafka, brokers: ['127.0.0.1:1'] });
    const message: BusMessage = toMessage(kafka.rows.next(kafka.rows.orderIn(0)), 0n);
    const published = expect(other.publish([message])).rejects.toThrow('the publisher is closed');
    await other[Symbol.asyncDispose]();
    await published;
    await expect(other.publish([message])).rejects.toThrow('the publisher is closed');
  });
});

async function setTopic(kafka: KafkaFixture, name: string, value: string): Promise<void> {
  const admin = kafkaClient(kafka.brokers).admin();
  await admin.connect();
  const resources = [{ type: 2, name: kafka.topic, configEntries: [{ name, value }] }];
  await admin.alterConfigs({ validateOnly: false, resources });
  await admin.disconnect();
}

/** Makes the next send skip a partition and resolve, as it does when the partition's leader moves in the middle. Returns what ends it. */
function leaveOut(partition: number): () => void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/cluster');
  const { findLeaderForPartitions: find } = prototype;
  const restore = () => {
    prototype.findLeaderForPartitions = find;
  };
  prototype.findLeaderForPartitions = function (topic: string, partitions: readonly string[]) {
    restore();
    return find.call(
      this,
      topic,
      partitions.filter((one) => Number(one) !== partition),
    );
  };
  return restore;
}
