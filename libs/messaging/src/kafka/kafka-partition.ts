import type { BusMessage } from '@ordermesh/contract';
import { backoffMs } from '@ordermesh/postgres';
import type { Logger } from '@ordermesh/telemetry';
import type { Batch, BatchHandler } from '../bus.ts';
import { handlerCalls } from '../handler-calls.ts';
import type { Turns } from '../turns.ts';

/** What one answer of a broker holds of a partition, in the order of its offsets. */
export interface Fetched {
  readonly messages: readonly { readonly offset: bigint; readonly message: BusMessage }[];
  /** The partition's next offset to be written, when the broker answered. */
  readonly end: bigint;
  /** Stops fetching the partition; returns what starts it again. */
  readonly pause: () => () => void;
}

/** One partition while this consumer owns it: takes what is fetched, hands over, tries again; strictly one thing at a time. */
export interface KafkaPartition {
  /** Adds to what waits. Fetching pauses while as much waits as one batch takes. */
  push(fetched: Fetched): void;
  /** Messages known to be behind what was handled. */
  lag(): number;
  /** True while fetching pauses, and {@link lag} therefore grows old. */
  isPaused(): boolean;
  /** Corrects {@link lag} with the partition's next offset to be written. */
  counted(end: bigint): void;
  /** Fires the signal of what runs. */
  abort(reason: Error): void;
  /** Starts nothing more, lets what runs settle, and calls `revoked`. The same promise for every call; never rejects. */
  close(): Promise<void>;
}

/** What {@link consumePartition} needs. */
export interface KafkaPartitionOptions {
  readonly handler: BatchHandler;
  /** Runs `handler.batch` with its spans. */
  readonly process: (batch: Batch) => Promise<void>;
  readonly turns: Turns;
  readonly maxBatch: number;
  readonly idleEveryMs: number;
  /** @param next offset behind what was handled */
  readonly onHandled: (partition: number, next: bigint) => void;
  readonly log: Logger;
}

/**
 * Starts to work on a partition just gained.
 * @param free resolves when the partition's last owner in this process has let it go
 */
export function consumePartition(
  partition: number,
  free: Promise<void>,
  options: KafkaPartitionOptions,
): KafkaPartition {
  const { turns, maxBatch, log } = options;
  const lost = new AbortController();
  const calls = handlerCalls(partition, lost.signal, options);
  const waiting: Fetched['messages'][number][] = [];
  let attempted = 0; // how many of those are the batch that was rejected, and comes again as it was
  let next: bigint | undefined; // offset behind what was handled
  let end = 0n;
  let resume: (() => void) | undefined;
  let isFree = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined; // of the next attempt, or the next housekeeping
  let running: Promise<void> | undefined;
  let closed: Promise<void> | undefined;

  const isIdleDue = () => performance.now() >= calls.idleDueAt();

  function request(): void {
    if (!isFree || closed !== undefined || running !== undefined || failures > 0) return;
    if (!calls.isAssigned() || waiting.length > 0 || isIdleDue()) turns.request(turn);
    else if (calls.idleDueAt() < Number.POSITIVE_INFINITY)
      requestIn(calls.idleDueAt() - performance.now());
  }

  function requestIn(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => turns.request(turn), Math.max(1, ms));
  }

  async function turn(): Promise<void> {
    if (closed !== undefined || running !== undefined) return;
    running = step().then(succeeded, failed);
    await running;
    running = undefined;
    request();
  }

  async function step(): Promise<void> {
    await calls.assign();
    if (waiting.length > 0) await handle();
    else if (isIdleDue()) await calls.idle();
  }

  async function handle(): Promise<void> {
    attempted ||= Math.min(waiting.length, maxBatch);
    const batch = waiting.slice(0, attempted);
    const messages = batch.map(({ message }) => message);
    await options.process({ partition, messages, signal: lost.signal });
    if (lost.signal.aborted) return; // handled in vain: the new owner starts from what was committed
    waiting.splice(0, attempted);
    attempted = 0;
    next = (batch.at(-1)?.offset ?? 0n) + 1n;
    options.onHandled(partition, next);
    if (waiting.length < maxBatch) unpause();
  }

  function succeeded(): void {
    if (failures > 0) log.info({ partition, failures }, 'partition goes on');
    failures = 0;
  }

  function failed(err: unknown): void {
    if (closed !== undefined || lost.signal.aborted) return;
    failures++;
    if (failures === 1) log.warn({ err, partition }, 'partition held, trying again');
    requestIn(backoffMs(failures, 100, 5000, Math.random));
  }

  function unpause(): void {
    resume?.();
    resume = undefined;
  }

  async function settle(): Promise<void> {
    turns.cancel(turn);
    clearTimeout(timer);
    unpause(); // kafkajs remembers it beyond the assignment
    await running;
    await calls.revoke();
  }

  void free.then(() => {
    isFree = true;
    request();
  });
  return {
    push(fetched) {
      if (closed !== undefined) return;
      waiting.push(...fetched.messages);
      next ??= fetched.messages[0]?.offset;
      end = fetched.end;
      if (waiting.length >= maxBatch) resume ??= fetched.pause();
      request();
    },
    lag: () => (next === undefined || end <= next ? 0 : Number(end - next)),
    isPaused: () => resume !== undefined,
    counted(now) {
      if (now > end) end = now;
    },
    abort: (reason) => lost.abort(reason),
    close() {
      closed ??= settle();
      return closed;
    },
  };
}
