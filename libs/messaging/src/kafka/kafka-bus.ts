import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Bus, ConsumeOptions } from '../bus.ts';
import { destination, processInSpans } from '../tracing.ts';
import { kafkaClient } from './kafka-client.ts';
import { kafkaConsumer } from './kafka-consumer.ts';
import { awaitTopic } from './kafka-topic.ts';

/** Options of {@link kafkaBus}. */
export interface KafkaBusOptions {
  /** `host:port` */
  readonly brokers: readonly string[];
  /** How many partitions the log has, and hence the topic. */
  readonly partitions: number;
  /** `ordermesh.order.events.v1` by default. */
  readonly topic?: string;
  /** Partitions handled at the same time by one consumer. 4 by default. */
  readonly concurrency?: number;
  /**
   * How long partitions stay with a consumer that is not heard of. 10,000 by default; a cluster accepts 6000 to 1,800,000 unless told otherwise.
   * Shorter moves the partitions of a killed process sooner, and those of a process that was only slow, too.
   */
  readonly sessionTimeoutMs?: number;
  /**
   * How long running batches may go on when the consumer is disposed of or its partitions move, before their signal fires; half a session at most.
   * 5000 by default.
   */
  readonly graceMs?: number;
  /** How long the cluster and its topic are waited for. 30,000 by default. */
  readonly waitMs?: number;
  /** Events older than this do not continue the trace that created them. An hour by default. */
  readonly replayAfterMs?: number;
}

/**
 * A Kafka topic as the bus, see {@link kafkaPublisher}; each group is a consumer group of Kafka, and offsets are kept there. `position` of a message is
 * the log's, from its header; Kafka's offsets are nobody else's business. A partition whose handler rejects is not fetched meanwhile; the others go on.
 *
 * `consume` waits for the cluster and the topic, and begins to join: the coordinator answers only when every member has let go of its partitions.
 */
export function kafkaBus(options: KafkaBusOptions): Bus {
  const { brokers, partitions, topic = destination } = options;
  return {
    async consume({
      group,
      handler,
      replay = false,
      maxBatch = 256,
      idleEveryMs = 1000,
    }: ConsumeOptions) {
      const kafka = kafkaClient(brokers);
      const admin = kafka.admin();
      try {
        await awaitTopic(admin, { topic, partitions }, options.waitMs ?? 30_000);
      } catch (error) {
        await admin.disconnect();
        throw error;
      }
      const { replayAfterMs = 3_600_000 } = options;
      const tracing = { system: 'kafka', group, replay, replayAfterMs };
      // Of nobody's trace: what runs in the background for ever must not hang under whoever started it.
      return context.with(ROOT_CONTEXT, () =>
        kafkaConsumer({
          kafka,
          admin,
          topic,
          partitions,
          group,
          handler,
          maxBatch,
          idleEveryMs,
          process: (batch) => processInSpans(handler, batch, tracing),
          concurrency: options.concurrency ?? 4,
          sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
          graceMs: options.graceMs ?? 5000,
        }),
      );
    },
  };
}
