import type { BusMessage } from '@ordermesh/contract';
import { backoffMs } from '@ordermesh/postgres';
import type { Logger } from '@ordermesh/telemetry';
import type { Batch, BatchHandler } from '../bus.ts';
import { handlerCalls } from '../handler-calls.ts';
import type { Turns } from '../turns.ts';
import type { Cursor, Feed } from './feed.ts';
import type { Lease, Offset } from './lease-store.ts';

/** One partition while this consumer owns it: reads, hands over, tries again; strictly one thing at a time. */
export interface OwnedPartition {
  readonly partition: number;
  readonly epoch: bigint;
  /** How far it was handled. */
  cursor(): Cursor;
  /** Events known to be behind the cursor. */
  lag(): number;
  /** Corrects {@link lag} with what was counted behind a cursor, unless the partition has moved on since. */
  counted(behind: number, cursor: Cursor): void;
  /** Something up to `position` was added; without it: something may have been. Never lost, also during a batch. */
  wake(position?: bigint): void;
  /** Asks for a turn if housekeeping is due. */
  tick(): void;
  /** The lease holds until then (`performance.now()`). */
  renewed(validUntil: number): void;
  /** True while nothing runs: giving it away costs nobody anything. */
  isQuiet(): boolean;
  /** True once {@link close} was called. */
  isClosing(): boolean;
  /** True once {@link abort} was called. */
  isAborted(): boolean;
  /** Fires the signal of what runs. */
  abort(reason: Error): void;
  /** Starts nothing more, lets what runs settle, and calls `revoked`. The same promise for every call; never rejects. */
  close(): Promise<void>;
}

/** What all partitions of a consumer share. */
export interface OwnedPartitionOptions {
  readonly feed: Feed;
  readonly handler: BatchHandler;
  /** Runs `handler.batch` with its spans. */
  readonly process: (batch: Batch) => Promise<void>;
  readonly turns: Turns;
  readonly maxBatch: number;
  readonly idleEveryMs: number;
  readonly onHandled: (offset: Offset) => void;
  /** The lease ran out without a renewal. */
  readonly onExpired: () => void;
  readonly log: Logger;
}

/** Starts to work on a partition just gained: asks for its first turn at once. */
export function ownPartition(lease: Lease, options: OwnedPartitionOptions): OwnedPartition {
  const { partition, epoch } = lease;
  const { feed, turns, maxBatch, log } = options;
  const lost = new AbortController();
  const calls = handlerCalls(partition, lost.signal, options);
  let { position, validUntil } = lease;
  let wanted = 0n; // highest position that was announced
  let mustLook = true;
  let batch: readonly BusMessage[] | undefined; // read and not yet handled
  let behind = 0;
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;
  let expiry: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let closed: Promise<void> | undefined;
  let isSettled = false;

  const mayRead = () => mustLook || wanted > position;
  const isIdleDue = () => performance.now() >= calls.idleDueAt();

  function request(): void {
    if (closed !== undefined || running !== undefined || retry !== undefined) return;
    if (batch !== undefined || mayRead() || isIdleDue()) turns.request(turn);
  }

  async function turn(): Promise<void> {
    if (closed !== undefined || running !== undefined) return;
    // After a freeze of the process this runs before the timer that says the same.
    if (performance.now() >= validUntil) return options.onExpired();
    running = step().then(succeeded, failed);
    await running;
    running = undefined;
    request();
  }

  async function step(): Promise<void> {
    await calls.assign();
    batch ??= mayRead() ? await readNext() : undefined;
    if (batch !== undefined) await handle(batch);
    else if (isIdleDue()) await calls.idle();
  }

  async function readNext(): Promise<readonly BusMessage[] | undefined> {
    // Both before the read is sent: a wake that comes while it runs must lead to another read.
    mustLook = false;
    const announced = wanted;
    let messages: readonly BusMessage[];
    try {
      messages = await feed.read(partition, position, maxBatch, lost.signal);
    } catch (error) {
      mustLook = true;
      throw error;
    }
    if (messages.length === maxBatch) {
      mustLook = true;
      behind = Math.max(behind, maxBatch);
    } else {
      behind = messages.length;
      // Whatever was announced before has been looked for; without this a wrong announcement would be read for ever.
      if (wanted === announced) wanted = 0n;
    }
    return messages.length === 0 ? undefined : messages;
  }

  async function handle(messages: readonly BusMessage[]): Promise<void> {
    await options.process({ partition, messages, signal: lost.signal });
    if (lost.signal.aborted) return; // handled in vain: the new owner starts from what was committed
    position = messages.at(-1)?.position ?? position;
    behind = Math.max(0, behind - messages.length);
    batch = undefined;
    options.onHandled({ partition, epoch, position });
  }

  function succeeded(): void {
    if (failures > 0) log.info({ partition, failures }, 'partition goes on');
    failures = 0;
  }

  function failed(err: unknown): void {
    if (closed !== undefined || lost.signal.aborted) return;
    failures++;
    if (failures === 1) log.warn({ err, partition }, 'partition held, trying again');
    const pauseMs = backoffMs(failures, 100, 5000, Math.random);
    retry = setTimeout(() => {
      retry = undefined;
      request();
    }, pauseMs);
  }

  function renewed(until: number): void {
    // A renewal that was under way as the partition closed would leave its timer behind.
    if (lost.signal.aborted || isSettled) return;
    validUntil = until;
    clearTimeout(expiry);
    expiry = setTimeout(options.onExpired, Math.max(0, until - performance.now()));
  }

  async function settle(): Promise<void> {
    turns.cancel(turn);
    clearTimeout(retry);
    await running;
    await calls.revoke();
    isSettled = true;
    clearTimeout(expiry); // only now: a lease may also run out while a last batch runs
  }

  renewed(validUntil);
  request();
  return {
    partition,
    epoch,
    cursor: () => ({ partition, position }),
    lag: () => Math.max(behind, batch?.length ?? 0, wanted > position ? 1 : 0),
    counted(count, at) {
      if (at.position === position) behind = count;
    },
    wake(upTo) {
      if (upTo === undefined) mustLook = true;
      else if (upTo > wanted) wanted = upTo;
      request();
    },
    tick: request,
    renewed,
    isQuiet: () => running === undefined,
    isClosing: () => closed !== undefined,
    isAborted: () => lost.signal.aborted,
    abort(reason) {
      clearTimeout(expiry); // what runs may ignore its signal, and never settle
      lost.abort(reason);
    },
    close() {
      closed ??= settle();
      return closed;
    },
  };
}
