import type { BusMessage } from '@ordermesh/contract';
import { counter, logger } from '@ordermesh/telemetry';
import type { Kafka, Producer } from 'kafkajs';
import type { Publisher } from '../publisher.ts';
import { sendBatches } from '../send-batches.ts';
import { sendInSpan } from '../send-tracing.ts';
import { settledWithin } from '../settled-within.ts';
import { destination } from '../tracing.ts';
import { kafkaClient, kafkaErrorType } from './kafka-client.ts';
import { toKafka } from './kafka-message.ts';
import { checkTopic, createTopic } from './kafka-topic.ts';

/** Options of {@link kafkaPublisher}. */
export interface KafkaPublisherOptions {
  /** `host:port` */
  readonly brokers: readonly string[];
  /** How many partitions the log has, and hence the topic. */
  readonly partitions: number;
  /** `ordermesh.order.events.v1` by default. */
  readonly topic?: string;
}

const skips = counter('ordermesh.relay.skipped', {
  description:
    'Messages that the Kafka client acknowledged without sending them, and that were sent again.',
  unit: '{message}',
});
/** How often in a row a send may leave partitions out. Each time the client knows the cluster better; two were seen. */
const attempts = 10;
/** What disposing waits for: a connection that is being made to a broker that is away cannot be called off. */
const disconnectMs = 1000;

/**
 * Publishes to a Kafka topic, which it creates where it may: acknowledged by all in-sync replicas, idempotent, one request in flight. Connects with
 * the first use. A broker that is away is waited for, some 30 s; then it rejects.
 *
 * A rejection also ends the producer: kafkajs counts the sequence numbers of a failed request back for all its partitions, those included that the broker
 * had taken. From then on the broker takes other messages for repetitions: it refuses them (OUT_OF_ORDER_SEQUENCE_NUMBER), or acknowledges and drops
 * them when there are just as many (reproduced).
 */
export function kafkaPublisher(options: KafkaPublisherOptions): Publisher {
  const { brokers, partitions, topic = destination } = options;
  const kafka = kafkaClient(brokers);
  const log = logger('messaging');
  skips.add(0);
  // Who waits now. A race against one long-lived promise would keep 400 bytes per call for as long as the publisher lives.
  const waiting = new Set<(error: Error) => void>();
  let isClosed = false;
  let connection: Promise<Producer> | undefined;

  async function connect(): Promise<Producer> {
    await checked(kafka, { topic, partitions });
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 },
    });
    await producer.connect();
    return producer;
  }

  async function connected(): Promise<Producer> {
    if (isClosed) throw closedError();
    connection ??= connect().catch((error) => {
      connection = undefined;
      throw error;
    });
    return connection;
  }

  async function disconnect(): Promise<void> {
    const ended = connection;
    if (!isClosed) connection = undefined;
    await (await ended?.catch(() => undefined))?.disconnect().catch(() => undefined);
  }

  async function send(messages: readonly BusMessage[]): Promise<void> {
    let left = messages;
    for (let attempt = 1; left.length > 0; attempt++) {
      const producer = await connected();
      const sent = await producer.sendBatch({
        acks: -1,
        topicMessages: [{ topic, messages: left.map(toKafka) }],
      });
      // kafkajs resolves although it skipped partitions whose leader moved to a broker that had answered in this call (kafkajs #1303, #1798): 2 of
      // 3 killed leaders lost acknowledged messages.
      const written = new Set(sent.map(({ partition }) => partition));
      left = left.filter(({ partition }) => !written.has(partition));
      if (left.length === 0) return;
      if (attempt === attempts) throw new Error(`kafkajs left out partitions ${attempts} times`);
      skips.add(left.length);
      log.warn({ messages: left.length }, 'the Kafka client left messages out; sent again');
    }
  }

  async function sendFitting(messages: readonly BusMessage[]): Promise<void> {
    try {
      await sendInSpan(messages, 'kafka', () => send(messages));
    } catch (error) {
      await disconnect();
      const isTooLarge = kafkaErrorType(error) === 'MESSAGE_TOO_LARGE';
      if (!isTooLarge || messages.length === 1) throw error;
      const middle = messages.length >> 1;
      await sendFitting(messages.slice(0, middle));
      await sendFitting(messages.slice(middle));
    }
  }

  async function publishAll(messages: readonly BusMessage[]): Promise<void> {
    try {
      for (const batch of sendBatches(messages)) await sendFitting(batch);
    } finally {
      if (isClosed) await disconnect(); // a send that kafkajs was trying again has connected again meanwhile
    }
  }

  function untilClosed<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    waiting.add(reject);
    work.then(resolve, reject).finally(() => waiting.delete(reject));
    return promise;
  }

  return {
    open: async () => void (await untilClosed(connected())),
    publish: (messages) => untilClosed(publishAll(messages)),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      for (const reject of waiting) reject(closedError());
      await settledWithin(disconnect(), disconnectMs);
    },
  };
}

const closedError = () => new Error('the publisher is closed');

async function checked(
  kafka: Kafka,
  topic: { readonly topic: string; readonly partitions: number },
): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await createTopic(admin, topic);
    await checkTopic(admin, topic);
  } finally {
    await admin.disconnect();
  }
}
