import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@ordermesh/postgres';
import { logger } from '@ordermesh/telemetry';
import type { Admin, EachBatchPayload, Kafka, Consumer as KafkajsConsumer } from 'kafkajs';
import type { Batch, ConsumeOptions, Consumer } from '../bus.ts';
import { lagGauge } from '../lag-gauge.ts';
import { repeat } from '../repeat.ts';
import { settledWithin } from '../settled-within.ts';
import { turns } from '../turns.ts';
import { type GroupCommits, groupCommits } from './group-commits.ts';
import { roundRobinWith } from './group-hooks.ts';
import { fromKafka } from './kafka-message.ts';
import { consumePartition, type KafkaPartition } from './kafka-partition.ts';

/** What {@link kafkaConsumer} needs; {@link kafkaBus} fills in the defaults. */
export interface KafkaConsumerOptions extends Required<Omit<ConsumeOptions, 'replay'>> {
  readonly kafka: Kafka;
  /** Connected; disposed of with the consumer. */
  readonly admin: Admin;
  readonly topic: string;
  readonly partitions: number;
  /** Runs the handler's `batch` with its spans. */
  readonly process: (batch: Batch) => Promise<void>;
  /** Partitions handled at the same time. */
  readonly concurrency: number;
  readonly sessionTimeoutMs: number;
  /** How long running batches may go on when their partitions move or the consumer stops, before their signal fires. */
  readonly graceMs: number;
}

/** What a handler gets after its signal fired; then its partition moves without it. */
const abortedGraceMs = 1000;
/** How long leaving the group may take; then the session is left to expire. */
const leaveMs = 5000;
/** How often the lag is asked for where fetching pauses. */
const countEveryMs = 5000;

/**
 * A member of a Kafka group. kafkajs fetches and keeps the membership; what is fetched is handled beside its loop, partition by partition: that loop asks
 * for more only when all of an answer is handled, so one partition's outage would hold up all those of its broker, and their heartbeats. Here
 * the loop always runs, and a partition whose messages wait is not fetched.
 *
 * Partitions move only after what runs has settled (or its grace is over), its offsets are committed and `revoked` was called. A membership that
 * kafkajs gives up is begun anew, for ever.
 */
export function kafkaConsumer(options: KafkaConsumerOptions): Consumer {
  const { kafka, admin, topic, group, partitions } = options;
  const log = logger('messaging').child({ group });
  const queue = turns(options.concurrency);
  const owned = new Map<number, KafkaPartition>();
  /** Resolves when the last owner here has let the partition go, which may be long after it moved. */
  const free = new Map<number, Promise<void>>();
  const stopped = Promise.withResolvers<void>();
  const stopPause = new AbortController();
  let isStopping = false;
  let failures = 0; // memberships in a row that ended before they had joined
  let commits: GroupCommits | undefined;
  let commitOffsets: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
  let moving = Promise.resolve();

  function assign(assignment: readonly number[]): void {
    failures = 0;
    if (isStopping) return;
    const generation = groupCommits(commit, log);
    commits = generation;
    for (const partition of assignment) {
      const before = free.get(partition) ?? Promise.resolve();
      const own = consumePartition(partition, before, {
        ...options,
        turns: queue,
        onHandled: generation.add,
        log,
      });
      owned.set(partition, own);
    }
    log.debug({ partitions: assignment }, 'partitions assigned');
  }

  async function commit(offsets: ReadonlyMap<number, bigint>): Promise<void> {
    const positions = [...offsets].map(([partition, next]) => ({
      partition,
      offset: String(next),
    }));
    await commitOffsets?.({ topics: [{ topic, partitions: positions }] });
  }

  /** Gives all partitions away; one call after the other, and none rejects. */
  function letGo(): Promise<void> {
    moving = moving.then(async () => {
      const given = [...owned];
      owned.clear();
      const closing = given.map(([partition, own]) => {
        const closed = own.close();
        free.set(partition, closed);
        return closed;
      });
      // A member that is not heard of for a session is taken for dead, and nothing is heard of it meanwhile.
      const graceMs = Math.min(options.graceMs, options.sessionTimeoutMs / 2);
      await settledWithin(Promise.all(closing), graceMs);
      for (const [, own] of given) own.abort(new Error('the partition moves'));
      await settledWithin(Promise.all(closing), abortedGraceMs);
      await commits?.end();
      commits = undefined;
    });
    return moving;
  }

  async function eachBatch({
    batch,
    pause,
    resolveOffset,
    commitOffsetsIfNecessary,
  }: EachBatchPayload): Promise<void> {
    const own = owned.get(batch.partition);
    if (own === undefined) return; // moves just now: whoever gets it fetches this again
    commitOffsets = commitOffsetsIfNecessary;
    own.push({
      messages: batch.messages.map((message) => ({
        offset: BigInt(message.offset),
        message: fromKafka(batch.partition, message),
      })),
      end: BigInt(batch.highWatermark),
      pause,
    });
    resolveOffset(batch.lastOffset()); // fetch what follows; committed is what was handled
  }

  /** One membership; rejects when kafkajs gives it up. */
  async function membership(member: KafkajsConsumer): Promise<void> {
    const crashed = Promise.withResolvers<never>();
    member.on('consumer.group_join', ({ payload }) =>
      assign(payload.memberAssignment[topic] ?? []),
    );
    member.on('consumer.crash', ({ payload }) => crashed.reject(payload.error));
    crashed.promise.catch(() => undefined); // also heard after the end
    let joining: Promise<void> | undefined;
    try {
      await member.connect();
      await member.subscribe({ topic, fromBeginning: true });
      joining = member.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: partitions,
        eachBatch,
      });
      await Promise.race([joining.then(() => stopped.promise), crashed.promise, stopped.promise]);
    } finally {
      await letGo();
      // Not before it has joined: kafkajs would find nothing to stop, and the join would go on and end in a member of which nobody knows, which
      // holds partitions for as long as this process lives.
      const leave = async () => {
        await joining?.catch(() => undefined);
        await member.disconnect();
      };
      await settledWithin(leave(), leaveMs);
    }
  }

  async function keepMembership(): Promise<void> {
    while (!isStopping) {
      try {
        await membership(
          kafka.consumer({
            groupId: group,
            sessionTimeout: options.sessionTimeoutMs,
            rebalanceTimeout: Math.max(60_000, 2 * options.graceMs),
            // A rebalance is heard of by a heartbeat.
            heartbeatInterval: Math.min(500, options.sessionTimeoutMs / 4),
            minBytes: 1,
            maxWaitTimeInMs: 100,
            allowAutoTopicCreation: false,
            partitionAssigners: [roundRobinWith(letGo)],
            // Few: with 60 it clings to a coordinator that is dead (53,000 messages redelivered against 463).
            retry: {
              initialRetryTime: 100,
              maxRetryTime: 1000,
              retries: 8,
              restartOnFailure: async () => false, // it does so for some errors only, and we for all
            },
          }),
        );
      } catch (err) {
        failures++;
        log.warn({ err }, 'left the group after a fault of the bus, joining again');
        const pauseMs = backoffMs(failures, 100, 5000, Math.random);
        await sleep(pauseMs, undefined, { signal: stopPause.signal }).catch(() => undefined);
      }
    }
  }

  async function count(): Promise<void> {
    if (![...owned.values()].some((own) => own.isPaused())) return;
    for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
      owned.get(partition)?.counted(BigInt(high));
    }
  }

  const counting = new AbortController();
  const counted = repeat(
    count,
    () => countEveryMs,
    (err) => log.debug({ err }, 'the lag cannot be measured'),
    counting.signal,
  );
  const lag = () => new Map([...owned].map(([partition, own]) => [partition, own.lag()]));
  const gauge = lagGauge(group, { lag });
  const running = keepMembership();

  async function stop(): Promise<void> {
    isStopping = true;
    gauge[Symbol.dispose]();
    counting.abort();
    stopped.resolve();
    stopPause.abort();
    await running;
    await counted;
    await admin.disconnect().catch(() => undefined);
  }

  let stopping: Promise<void> | undefined;
  return {
    partitions: () => new Set(owned.keys()),
    lag,
    [Symbol.asyncDispose]() {
      stopping ??= stop();
      return stopping;
    },
  };
}
