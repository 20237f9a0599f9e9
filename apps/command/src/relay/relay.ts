import { setTimeout as sleep } from 'node:timers/promises';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type LastEvent, LogDivergedError, type LogRow, requireSameLog } from '@ordermesh/contract';
import { logChannel, type PostgresEventStore } from '@ordermesh/event-store-postgres';
import { logDiverged, type Publisher, type ReadPartition } from '@ordermesh/messaging';
import { backoffMs, createPool, listen } from '@ordermesh/postgres';
import { StartupError } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import { numberChain } from './number-chain.ts';
import { acquireLease, type Checkpoint, type RelayLease } from './relay-lease.ts';
import { relayMetrics } from './relay-metrics.ts';
import { waker } from './waker.ts';

/** What {@link startRelay} needs. */
export interface RelayOptions {
  /** Name of the bus, e.g. `kafka`: each has its own checkpoint. */
  readonly bus: string;
  /** Disposed of with the relay. */
  readonly publisher: Publisher;
  readonly store: Pick<PostgresEventStore, 'readLog' | 'readFeed' | 'readPoint'>;
  /** The log's database, directly: a transaction pooler loses LISTEN. */
  readonly logUrl: string;
  readonly partitions: number;
  /** How long the lead stays with a process that is not heard of. 5000 by default. */
  readonly leaseMs?: number;
  /** How often the log is looked at without a notification. 500 by default. */
  readonly pollEveryMs?: number;
  /** Most events of one read. 500 by default. */
  readonly maxBatch?: number;
}

/** A running relay. Disposing: what is being published may be acknowledged (5 s at most), then the lead is given up. Never rejects. */
export interface Relay extends AsyncDisposable {
  /** For readiness. @throws LogDivergedError once the log is not the one that was put on the bus; then the relay has stopped. */
  check(): void;
  /** Rejects with a StartupError when the bus cannot carry this log; then the relay has stopped. Never resolves. */
  readonly failed: Promise<never>;
}

/** What a publish may take while the relay stops. */
const graceMs = 5000;
/** How often a bus that may lose something is asked whether it has, at most. */
const restoreEveryMs = 1000;

/**
 * Puts the log on a bus: a cursor over the log, moved when the bus has acknowledged. At least once, in the order of the log, nothing left out. Any number
 * of processes may run it: one leads, by a lease that every move of the cursor checks; the others try to every second. Reads the next batch while one is
 * in flight, and stops at the first failure: it gives the lead up and begins again at the checkpoint, after a pause that doubles from 100 ms to 10 s.
 *
 * Each read begins with the event before it, so that a log which was rolled back or replaced under the relay, at any time and by whatever connection it is
 * read, is noticed before anything of it is published. Then it stops for good ({@link Relay.check}).
 */
export function startRelay(options: RelayOptions): Relay {
  const { bus, publisher, store, partitions, logUrl } = options;
  const { leaseMs = 5000, pollEveryMs = 500, maxBatch = 500 } = options;
  const log = logger('relay').child({ bus });
  const pool = createPool({
    url: logUrl,
    max: 2,
    name: 'ordermesh-relay',
    statementTimeoutMs: Math.max(500, Math.min(5000, leaseMs / 2)),
    settings: { synchronous_commit: 'off' }, // a checkpoint that is lost costs duplicates, a flush per batch costs the appender
    onError: () => undefined, // the next statement reports what matters
  });
  const stop = new AbortController();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // heard by whoever waits for it
  let failures = 0;
  let acknowledged: Checkpoint = { position: 0n, partitionPositions: [] }; // by the bus, of this process
  let diverged: LogDivergedError | undefined;

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      let pauseMs = 1000;
      try {
        const lease = await acquireLease(pool, bus, partitions, leaseMs);
        if (lease !== undefined) await lead(lease);
      } catch (err) {
        if (stop.signal.aborted) return;
        if (err instanceof StartupError) return failed.reject(err);
        if (err instanceof LogDivergedError) return;
        if (failures++ === 0) log.warn({ err }, 'the relay is held, trying again');
        pauseMs = backoffMs(failures, 100, 10_000, Math.random);
      }
      await sleep(pauseMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  async function lead(lease: RelayLease): Promise<void> {
    const ended = new AbortController();
    const renewing = keep(lease, ended);
    const awake = waker();
    await using _listening = listen({
      url: logUrl,
      channel: logChannel,
      onNotify: awake.wake,
      onReconnect: awake.wake,
    });
    const read = (last: LastEvent) => {
      awake.looking();
      const rows = readBehind(last, ended.signal);
      rows.catch(() => undefined); // heard in the next round, if there is one
      return rows;
    };
    const readPartition: ReadPartition = (partition, after, limit) =>
      store.readFeed(partition, after, limit, ended.signal);
    try {
      const logId = await requireLog(lease.checkpoint);
      await publisher.open();
      log.info({ position: String(lease.checkpoint.position) }, 'relay leads');
      let checkpoint: Checkpoint = { ...lease.checkpoint, logId };
      let reading = read(checkpoint);
      let restoredAt = Number.NEGATIVE_INFINITY;
      while (!stop.signal.aborted) {
        if (publisher.restore && performance.now() >= restoredAt + restoreEveryMs) {
          lease.requireValid();
          await publisher.restore(checkpoint.partitionPositions, readPartition);
          restoredAt = performance.now();
        }
        const rows = await reading;
        const last = rows.at(-1);
        if (last === undefined) {
          await awake.sleep(pollEveryMs, AbortSignal.any([stop.signal, ended.signal]));
          ended.signal.throwIfAborted();
          reading = read(checkpoint);
          continue;
        }
        reading = read({ ...last, logId }); // while this batch is in flight
        checkpoint = await relay(rows, last, checkpoint, lease);
        if (failures > 0) log.info({ failures }, 'the relay goes on');
        failures = 0;
      }
    } catch (error) {
      if (error instanceof LogDivergedError) await stopFor(error, lease);
      throw error;
    } finally {
      ended.abort();
      await renewing;
      await lease.release().catch(() => undefined); // it runs out
    }
  }

  /**
   * Says so, and puts back into the checkpoint, which was rolled back with the log, what the bus really has: so every other process notices, too, and this one
   * after a restart. @throws what keeps it from that; then it is to be tried again
   */
  async function stopFor(error: LogDivergedError, lease: RelayLease): Promise<void> {
    if (diverged === undefined) log.fatal(error.message);
    diverged = error;
    logDiverged.record(1);
    const { position } = acknowledged;
    if (position > 0n && position >= lease.checkpoint.position) await lease.advance(acknowledged);
  }

  /** The log's id. @throws LogDivergedError when the log lacks what the bus has, by the checkpoint or by what this process knows */
  async function requireLog(checkpoint: LastEvent): Promise<string> {
    const name = `the bus ${bus}`;
    const point = await store.readPoint(checkpoint.position);
    requireSameLog(name, checkpoint, point);
    // The checkpoint lies in the log's own database: it is rolled back with it.
    requireSameLog(name, acknowledged, await store.readPoint(acknowledged.position));
    return point.logId;
  }

  /** The next events behind `last`. @throws LogDivergedError when the log does not have `last` itself */
  async function readBehind(last: LastEvent, signal: AbortSignal): Promise<readonly LogRow[]> {
    if (last.eventId === undefined) return store.readLog(last.position, maxBatch, signal);
    const [found, ...rows] = await store.readLog(last.position - 1n, maxBatch + 1, signal);
    const { logId = '' } = last;
    requireSameLog(`the bus ${bus}`, last, { logId, eventId: found?.eventId });
    return rows;
  }

  async function relay(
    rows: readonly LogRow[],
    last: LogRow,
    { partitionPositions, logId }: Checkpoint,
    lease: RelayLease,
  ): Promise<Checkpoint> {
    const chain = numberChain(rows, partitionPositions);
    lease.requireValid();
    await publisher.publish(chain.messages);
    acknowledged = {
      position: last.position,
      eventId: last.eventId,
      logId,
      partitionPositions: chain.partitionPositions,
    };
    await lease.advance(acknowledged);
    return acknowledged;
  }

  /** Renews the lease until `ended`; ends it itself when the lease is lost. */
  async function keep(lease: RelayLease, ended: AbortController): Promise<void> {
    for (;;) {
      await sleep(leaseMs / 3, undefined, { signal: ended.signal }).catch(() => undefined);
      if (ended.signal.aborted) return;
      try {
        await lease.renew();
      } catch (error) {
        ended.abort(error);
      }
    }
  }

  const metrics = relayMetrics(pool, bus);
  // Of nobody's trace: what runs in the background for ever must not hang under whoever started it.
  const running = context.with(ROOT_CONTEXT, run);
  return {
    failed: failed.promise,
    check() {
      if (diverged !== undefined) throw diverged;
    },
    async [Symbol.asyncDispose]() {
      metrics[Symbol.dispose]();
      stop.abort();
      const grace = new AbortController();
      const over = sleep(graceMs, undefined, { signal: grace.signal }).catch(() => undefined);
      await Promise.race([running, over]);
      grace.abort();
      await publisher[Symbol.asyncDispose](); // what is still in flight rejects
      await running;
      await pool.end();
    },
  };
}
