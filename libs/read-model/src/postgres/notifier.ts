import { listen } from '@ordermesh/postgres';
import type { OrderViewReader } from '../order-view-reader.ts';
import { positionWaiters } from '../position-waiters.ts';
import type { ViewNotifier } from '../view-notifier.ts';
import { decodeMoves, notifyChannel } from './notify-channel.ts';
import { postgresProjection } from './projection.ts';
import { warn } from './view-pool.ts';

/** Options of {@link postgresViewNotifier}. */
export interface PostgresNotifierOptions {
  /** Database of the views, directly: a transaction pooler loses LISTEN. */
  readonly url: string;
  /** The store that is waited for; stays the caller's. */
  readonly reader: OrderViewReader;
  /** Name under which that store's writer announces its checkpoints: {@link postgresProjection} by default. */
  readonly projection?: string | undefined;
  /** How often checkpoints are read while somebody waits, in case a notification got lost. 250 ms by default. */
  readonly pollMs?: number | undefined;
  /** Told about a lost LISTEN connection and failed polls; both heal by themselves. A process warning by default. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * Waits for the views of any store whose writer announces itself on a channel of PostgreSQL: one LISTEN connection and one map of checkpoints for all callers, and one poll for all of them behind it. Idle
 * it reads nothing, and without PostgreSQL it polls. Disposing rejects who still waits.
 */
export function postgresViewNotifier(options: PostgresNotifierOptions): ViewNotifier {
  const { reader, projection = postgresProjection, pollMs = 250, onError = warn } = options;
  const waiters = positionWaiters();
  const stop = new AbortController();
  // Highest checkpoints seen while `listening`. A server may come back with lower ones (after a failover to a standby that was behind), and that
  // takes the connection with it: whatever was known before a loss is forgotten.
  const known = new Map<number, bigint>();
  let listening = false;
  let losses = 0;
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let polling: Promise<void> | undefined;

  function learn(partition: number, position: bigint): void {
    if (listening && position > (known.get(partition) ?? -1n)) known.set(partition, position);
    waiters.advance(partition, position);
  }

  function forget(): void {
    known.clear();
    losses++;
  }

  /** At once for a partition of which nothing is known; for the others a notification is on its way or, rarely, lost. */
  const patience = () =>
    listening && waiters.partitions().some((partition) => !known.has(partition)) ? 0 : pollMs;

  /** Polls after `delayMs` at the latest. While somebody waits there is always a next poll, and never two at a time. */
  function pollWithin(delayMs: number): void {
    if (stop.signal.aborted || waiters.size === 0 || polling !== undefined) return;
    const now = performance.now();
    if (now + delayMs >= dueAt) return;
    dueAt = now + delayMs;
    clearTimeout(timer);
    timer = setTimeout(() => {
      dueAt = Number.POSITIVE_INFINITY;
      polling = poll().then((answered) => {
        polling = undefined;
        pollWithin(answered ? patience() : pollMs);
      });
    }, delayMs);
  }

  /** False if the store did not answer. */
  async function poll(): Promise<boolean> {
    if (waiters.size === 0) return true;
    const lossesBefore = losses;
    try {
      const checkpoints = await reader.checkpoints(waiters.partitions(), stop.signal);
      if (losses === lossesBefore)
        for (const [partition, position] of checkpoints) learn(partition, position);
      return true;
    } catch (error) {
      // While the connection is lost its loss has been told, and this would say the same four times a second.
      if (listening && !stop.signal.aborted) onError(error);
      return false;
    }
  }

  async function reached(partition: number, position: bigint, signal: AbortSignal) {
    signal.throwIfAborted();
    stop.signal.throwIfAborted();
    const at = known.get(partition);
    if (at !== undefined && at >= position) return;
    const waited = waiters.wait(partition, position, signal);
    pollWithin(patience());
    await waited;
  }

  const listener = listen({
    url: options.url,
    channel: notifyChannel,
    onNotify(payload) {
      for (const [partition, position] of decodeMoves(projection, payload))
        learn(partition, position);
    },
    onReconnect() {
      forget();
      listening = true;
      pollWithin(0);
    },
    onError(error) {
      forget();
      listening = false;
      onError(error);
    },
  });

  return {
    reached,
    async forOrder({ orderId, owner, partition, minVersion }, signal) {
      for (;;) {
        // Taken before the read: what is committed after the read is a move beyond it, so no wake is lost in between.
        const seen = known.get(partition) ?? -1n;
        const stored = await reader.get(orderId, owner, signal);
        if (stored !== undefined && stored.order.version >= minVersion) return stored;
        await reached(partition, seen + 1n, signal);
      }
    },
    get waiting() {
      return waiters.size;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the notifier is closed'));
      clearTimeout(timer);
      waiters.close(stop.signal.reason);
      await listener[Symbol.asyncDispose]();
      await polling;
    },
  };
}
