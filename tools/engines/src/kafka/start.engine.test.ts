import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, Kafka as Client, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive, isSkipped, killParentOf, takenPort } from '../../test/processes.ts';
import { startKafka } from './start.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ordermesh-kafka-test-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const topic = 'orders';
const messages = Array.from({ length: 200 }, (_, i) => ({ value: `message ${i}`, partition: 0 }));

const clientOf = (brokers: string) =>
  new Client({
    ...{ brokers: brokers.split(','), logLevel: logLevel.NOTHING },
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 },
  });

async function withAdmin<T>(brokers: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Makes the topic when `replicationFactor` is given, and sends {@link messages} with acks=all. */
async function produce(brokers: string, replicationFactor?: number): Promise<void> {
  if (replicationFactor !== undefined) {
    const topics = [{ topic, numPartitions: 1, replicationFactor }];
    await withAdmin(brokers, (admin) => admin.createTopics({ topics, waitForLeaders: true }));
  }
  const producer = clientOf(brokers).producer();
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages });
  } finally {
    await producer.disconnect();
  }
}

const endOffset = (brokers: string) =>
  withAdmin(brokers, async (admin) => (await admin.fetchTopicOffsets(topic))[0]?.high);

describe.skipIf(isSkipped('kafka'))('startKafka()', () => {
  test('keeps acknowledged messages through kill -9, and across runs on its data folder', async () => {
    const dataDir = join(root, 'one');
    const first = await startKafka({ dataDir });
    await produce(first.brokers, 1);
    await first.nodes[0]?.kill();
    expect(await first.nodes[0]?.exited).toMatchObject({ signal: 'SIGKILL' });
    await first.nodes[0]?.restart();
    expect(await endOffset(first.brokers)).toBe('200');
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    expect(isAlive(first.nodes[0]?.pid ?? 0)).toBe(false);

    await using second = await startKafka({ dataDir });
    expect(await endOffset(second.brokers)).toBe('200');
  });

  test('does not make a topic by its use', async () => {
    await using kafka = await startKafka();
    const producer = clientOf(kafka.brokers).producer({ retry: { retries: 1 } });
    await producer.connect();
    try {
      await expect(producer.send({ topic, messages })).rejects.toThrow('does not host this topic');
    } finally {
      await producer.disconnect();
    }
  });

  test('loses nothing and goes on when one of three brokers is killed', async () => {
    await using kafka = await startKafka({ brokers: 3 });
    expect(kafka.brokers.split(',')).toHaveLength(3);
    await produce(kafka.brokers, 3);
    const leader = await withAdmin(kafka.brokers, async (admin) => {
      const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
      return metadata.topics[0]?.partitions[0]?.leader ?? 0;
    });
    const killed = kafka.nodes[leader - 1];
    await killed?.kill();
    await produce(kafka.brokers);
    expect(await endOffset(kafka.brokers)).toBe('400');
    await killed?.restart();
  });

  test('says that a fixed port is taken', async () => {
    await using taken = await takenPort();
    await expect(startKafka({ port: taken.port })).rejects.toThrow(
      `port ${taken.port} is taken: free it, or choose another for Kafka`,
    );
  });

  test('ends when its parent is killed', () => killParentOf('kafka'));
});
