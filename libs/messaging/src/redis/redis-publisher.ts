import type { BusMessage } from '@ordermesh/contract';
import { counter, logger } from '@ordermesh/telemetry';
import type { Publisher } from '../publisher.ts';
import { sendBatches } from '../send-batches.ts';
import { sendInSpan } from '../send-tracing.ts';
import { destination } from '../tracing.ts';
import { redisClient } from './redis-client.ts';
import { streamScript } from './redis-script.ts';
import { awaitRedis } from './redis-server.ts';
import { lastPositions, streamKey, toArguments } from './redis-streams.ts';
import { restoreStreams } from './restore-streams.ts';

/** Options of {@link redisPublisher}. */
export interface RedisPublisherOptions {
  /** `redis://host:port/database`, or `rediss://` */
  readonly url: string;
  /** How many partitions the log has, and hence how many streams there are. */
  readonly partitions: number;
  /** What the streams' names begin with. `ordermesh.order.events.v1` by default. */
  readonly stream?: string;
  /** How far back the streams are filled after a loss, in positions of the log. 10,000 by default. */
  readonly keep?: number;
  /** How long {@link Publisher.open} waits for a server that is away. 30,000 by default. */
  readonly waitMs?: number;
}

const restored = counter('ordermesh.relay.restored', {
  description: 'Messages that the bus had acknowledged and lost, and that were published again.',
  unit: '{message}',
});

const append = streamScript('append.lua');

/**
 * Publishes to one stream of Redis for each partition. An entry's id is the event's position, and Redis takes ids in ascending order only, so repetitions and
 * relays that are deposed without knowing it change nothing: what the stream has had counts as acknowledged. At most 500 messages are in flight, and a
 * call for one stream takes 512 KB at most, or one message.
 *
 * Acknowledged means that the server answered: how durable that is, its settings say (`appendonly`, replicas). It need not be: a publish that finds the message in front of
 * its own missing rejects, and {@link Publisher.restore} fills the streams again from the log.
 */
export function redisPublisher(options: RedisPublisherOptions): Publisher {
  const { url, partitions, stream = destination, keep = 10_000, waitMs = 30_000 } = options;
  const redis = redisClient(url, 'ordermesh-relay');
  const nameOf = (partition: number) => streamKey(stream, partition);
  restored.add(0);

  async function send(messages: readonly BusMessage[], isAfterGap: boolean): Promise<void> {
    const runs = [...Map.groupBy(messages, ({ partition }) => partition)];
    const calls = runs.map(async ([partition, run]) => {
      const args = [isAfterGap ? 'gap' : '', ...run.flatMap(toArguments)];
      if ((await append(redis, nameOf(partition), args)) !== -1) return;
      throw new Error(
        `stream ${nameOf(partition)} lost what comes before position ${run[0]?.position}`,
      );
    });
    // All of them, so that nothing is in flight after a rejection.
    const failed = (await Promise.allSettled(calls)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  async function publish(messages: readonly BusMessage[], isAfterGap = false): Promise<void> {
    for (const batch of sendBatches(messages)) {
      await sendInSpan(batch, 'redis', () => send(batch, isAfterGap));
    }
  }

  return {
    open: () => awaitRedis(redis, { stream, partitions }, waitMs),
    publish: (messages) => publish(messages),
    async restore(reached, read) {
      const held = await lastPositions(redis, stream, partitions);
      const options = { held, reached, keep, read, append: publish, nameOf };
      const messages = await restoreStreams(options);
      if (messages === 0) return;
      await awaitRedis(redis, { stream, partitions }, 0); // the number of partitions is lost with them
      restored.add(messages);
      logger('messaging').warn({ messages }, 'Redis had lost events; they are published again');
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  };
}
