import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@ordermesh/postgres';
import { StartupError } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import type { Admin, KafkaJSAggregateError } from 'kafkajs';
import { kafkaErrorType } from './kafka-client.ts';

/** A topic as this log needs it. */
export interface KafkaTopic {
  readonly topic: string;
  readonly partitions: number;
}

/**
 * How long the topic keeps events. Not the cluster's default, which may be hours or for ever: the log keeps everything and consumers fetch
 * from it what the topic has dropped, so a week is for their comfort only.
 */
const retentionMs = 7 * 24 * 3_600_000;

/**
 * Makes the topic unless it is there, with as many replicas as the cluster makes by default. Where the cluster denies it, its operators have made the
 * topic, or will: {@link checkTopic} looks.
 * @throws the client's error, denials excepted
 */
export async function createTopic(admin: Admin, { topic, partitions }: KafkaTopic): Promise<void> {
  const configEntries = [
    { name: 'retention.ms', value: String(retentionMs) },
    { name: 'cleanup.policy', value: 'delete' },
  ];
  try {
    const topics = [{ topic, numPartitions: partitions, configEntries }];
    if (await admin.createTopics({ topics })) {
      logger('messaging').info({ topic, partitions }, 'topic created');
    }
  } catch (error) {
    if (!isDenied(error)) throw error;
    logger('messaging').info({ topic }, 'topics may not be created here');
  }
}

/** @throws StartupError when the topic has another number of partitions; the client's error when there is no such topic, or no cluster */
export async function checkTopic(admin: Admin, { topic, partitions }: KafkaTopic): Promise<void> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const found = topics[0]?.partitions.length ?? 0;
  if (found !== partitions) {
    throw new StartupError([
      `PARTITIONS is ${partitions}, but topic ${topic} has ${found} partitions: an order's events would be spread over two; set PARTITIONS to the log's number and use a topic that was made with it`,
    ]);
  }
}

/**
 * For a process that does not create the topic: waits until the cluster is up and somebody has made it.
 * @throws StartupError as {@link checkTopic}, and when there is no such topic in time; the client's error when there is no cluster in time
 */
export async function awaitTopic(
  admin: Admin,
  topic: KafkaTopic,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let failures = 1; ; failures++) {
    try {
      await admin.connect();
      await checkTopic(admin, topic);
      return;
    } catch (error) {
      if (error instanceof StartupError) throw error;
      const waitMs = backoffMs(failures, 100, 2000, Math.random);
      if (performance.now() + waitMs > deadline) {
        if (kafkaErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
        const line = `KAFKA_BROKERS: there is no topic ${topic.topic}; the command service makes it where it may, else make it with ${topic.partitions} partitions`;
        throw new StartupError([line], { cause: error });
      }
      await sleep(waitMs);
    }
  }
}

function isDenied(error: unknown): boolean {
  // By its shape: kafkajs's error classes cannot be imported by name from an ES module.
  const { errors = [error] } = error as Partial<KafkaJSAggregateError>;
  return errors.some((one) => kafkaErrorType(one)?.endsWith('_AUTHORIZATION_FAILED'));
}
