import { logger } from '@ordermesh/telemetry';
import type { Batch, ConsumeOptions, Consumer } from '../bus.ts';
import { lagGauge } from '../lag-gauge.ts';
import { repeat } from '../repeat.ts';
import { settledWithin } from '../settled-within.ts';
import { turns } from '../turns.ts';
import type { Cursor, Feed } from './feed.ts';
import type { Lease, LeaseStore } from './lease-store.ts';
import { offsetCommits } from './offset-commits.ts';
import { ownPartition } from './owned-partition.ts';
import { ownership } from './ownership.ts';

/** What {@link leasedConsumer} needs; the adapters fill in the defaults. */
export interface LeasedConsumerOptions extends Required<Omit<ConsumeOptions, 'replay'>> {
  /** Disposed of with the consumer. */
  readonly feed: Feed;
  /** Disposed of with the consumer. */
  readonly leases: LeaseStore;
  /** Runs the handler's `batch` with its spans. */
  readonly process: (batch: Batch) => Promise<void>;
  /** Partitions handled at the same time. */
  readonly concurrency: number;
  /** How often to look without being woken. */
  readonly pollEveryMs: number;
  /** How long running batches may go on after disposal before their signal fires. */
  readonly graceMs: number;
}

/** Heartbeat: the partitions of a newcomer or of a shutdown change hands within about this time. */
const tendEveryMs = 500;
/** The same while partitions are missing for a fair share: somebody is about to hand them over. */
const tendEagerlyEveryMs = 100;
/** How often the lag of partitions far behind is counted, and up to which number: the count reads an index, some milliseconds per partition. */
const countEveryMs = 5000;
const countAtMost = 10_000;
/** What a handler gets after its signal fired; then its partition is left to expire. */
const abortedGraceMs = 1000;

/**
 * A consumer of partitions that are read by position and owned by lease: for buses without consumer groups of their own. Joins the group, then
 * works in the background.
 * @throws when joining fails; then nothing is left running
 */
export async function leasedConsumer(options: LeasedConsumerOptions): Promise<Consumer> {
  const { feed, leases, group, maxBatch } = options;
  const log = logger('messaging').child({ group });
  const queue = turns(options.concurrency);
  const own = (lease: Lease) => {
    const onExpired = () => owner.lose(lease);
    return ownPartition(lease, {
      ...options,
      turns: queue,
      onHandled: commits.add,
      onExpired,
      log,
    });
  };
  const owner = ownership(leases, own, log);
  const commits = offsetCommits(leases, owner.lose, log);
  const stopped = new AbortController();
  let countedAt = Number.NEGATIVE_INFINITY;

  try {
    await leases.join();
  } catch (error) {
    await Promise.all([feed[Symbol.asyncDispose](), leases[Symbol.asyncDispose]()]);
    throw error;
  }

  function wake(touched: readonly Cursor[] | undefined): void {
    if (touched === undefined) for (const one of owner.kept()) one.wake();
    else for (const at of touched) owner.get(at.partition)?.wake(at.position);
  }

  /** The safety net behind the notifications, and the clock of housekeeping. */
  async function poll(): Promise<void> {
    const waiting = owner.kept().filter((one) => one.isQuiet() && one.lag() === 0);
    for (const one of waiting) one.tick();
    if (waiting.length > 0) {
      const touched = await feed.touched(waiting.map((one) => one.cursor()));
      for (const partition of touched) owner.get(partition)?.wake();
    }
    if (performance.now() >= countedAt + countEveryMs) await count();
  }

  async function count(): Promise<void> {
    const far = owner.kept().filter((one) => one.lag() >= maxBatch);
    if (far.length === 0) return;
    countedAt = performance.now();
    const cursors = far.map((one) => one.cursor());
    const counts = await feed.count(cursors, countAtMost);
    for (const at of cursors) {
      owner.get(at.partition)?.counted(counts.get(at.partition) ?? 0, at);
    }
  }

  const watching = feed.watch(wake);
  const tending = repeat(
    owner.tend,
    () => (owner.isShort() ? tendEagerlyEveryMs : tendEveryMs),
    (err) => log.warn({ err }, 'leases cannot be renewed'),
    stopped.signal,
  );
  const polling = repeat(
    poll,
    () => options.pollEveryMs,
    (err) => log.warn({ err }, 'the bus cannot be polled'),
    stopped.signal,
  );
  const lag = () => new Map(owner.kept().map((one) => [one.partition, one.lag()]));
  const gauge = lagGauge(group, { lag });

  async function stop(): Promise<void> {
    gauge[Symbol.dispose]();
    const left = owner.leave();
    await Promise.all([watching[Symbol.asyncDispose](), settledWithin(left, options.graceMs)]);
    owner.abortAll(new Error('the consumer stops'));
    await settledWithin(left, abortedGraceMs);
    stopped.abort();
    await Promise.all([tending, polling, commits.stop()]);
    await Promise.all([feed[Symbol.asyncDispose](), leases[Symbol.asyncDispose]()]);
  }

  let stopping: Promise<void> | undefined;
  return {
    partitions: () => new Set(owner.kept().map((one) => one.partition)),
    lag,
    [Symbol.asyncDispose]() {
      stopping ??= stop();
      return stopping;
    },
  };
}
