import { ReasonError } from '@ordermesh/contract';
import { type Append, type AppendOutcome, sameHash } from '@ordermesh/event-sourcing';
import { lanes } from './lanes.ts';

/** A command ready to be sent. */
export interface Encoded {
  readonly command: Append;
  readonly bytes: Buffer;
}

/** Options of {@link createBatcher}. */
export interface BatcherOptions<Item extends Encoded> {
  /**
   * Sends a batch and resolves with what became of each command, in order: its outcome, or its error. No two commands of a batch share a stream or an
   * idempotency key, nor do two batches in flight. Its rejection is every command's error.
   */
  readonly send: (batch: readonly Item[]) => Promise<readonly (AppendOutcome | Error)[]>;
  /** Told how many commands began (positive) or ended (negative) to wait. */
  readonly onQueued?: (by: number) => void;
  /** Most batches at once: 1. With 2 the next one is prepared and sent while the server works on the first. */
  readonly maxInFlight?: number;
  /** In ms: `performance.now`. */
  readonly now?: () => number;
  /** Most commands of a batch: 500. */
  readonly maxCommands?: number;
  /** A batch is closed once it has so many bytes: 1 MiB. */
  readonly maxBytes?: number;
  /** Most commands that wait: 5000, or a second or less of work. */
  readonly maxQueued?: number;
  /** Most bytes that wait: 64 MiB. */
  readonly maxQueuedBytes?: number;
}

/** Takes commands one by one. */
export interface Batcher<Item extends Encoded> {
  /**
   * @param signal drops a command that was not sent yet; one that was sent goes on without its caller
   * @throws the signal's reason, ReasonError OVERLOADED at once when too many wait, the command's error
   */
  submit(item: Item, signal?: AbortSignal): Promise<AppendOutcome>;
}

interface Entry<Item> {
  readonly item: Item;
  readonly stream: string;
  readonly key: string | undefined;
  state: 'queued' | 'sent' | 'settled';
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Roughly what a command takes each side, in ms: this one to prepare it and to answer its caller, the server to store it. */
const perCommandMs = 0.02;
/** Fewest commands that two batches are made of. */
const fewestInPair = 64;

/**
 * Group commit: all commands that arrive while a batch is in flight go into the next one. No timer and no added latency: with a free writer a command is
 * sent in the same turn of the event loop, at its end, so that what arrives in one turn goes together.
 *
 * Commands of one stream, or with one key, go one after the other, in the order in which they came. Those with the same key wait for the answer of the
 * first: once it is stored they are answered with it, unsent; while it is not, the next one has its turn.
 */
export function createBatcher<Item extends Encoded>({
  send,
  onQueued = () => undefined,
  maxInFlight = 1,
  now = () => performance.now(),
  maxCommands = 500,
  maxBytes = 1024 * 1024,
  maxQueued = 5000,
  maxQueuedBytes = 64 * 1024 * 1024,
}: BatcherOptions<Item>): Batcher<Item> {
  type One = Entry<Item>;
  const keys = lanes<One>();
  const streams = lanes<One>();
  const ready = new Set<One>(); // each holds its lanes
  let queued = 0;
  let queuedBytes = 0;
  let inFlight = 0;
  let isScheduled = false;
  let answeredAt = 0;
  let priceMs = 0; // of a batch, whatever is in it: a flush, a statement, a notification

  const leaveQueue = (entry: One, state: 'sent' | 'settled') => {
    entry.state = state;
    queued--;
    queuedBytes -= entry.item.bytes.length;
    onQueued(-1);
  };
  const enterStream = (entry: One) => {
    if (streams.enter(entry.stream, entry)) ready.add(entry);
  };
  const enter = (entry: One) => {
    if (entry.key === undefined || keys.enter(entry.key, entry)) enterStream(entry);
  };
  const leaveKey = (key: string, entry: One, settled: AppendOutcome | undefined) => {
    const { command } = entry.item;
    for (let next = keys.leave(key, entry); next; next = keys.leave(key, next)) {
      const answer = settled && answerOf(settled, command, next.item.command);
      if (answer === undefined) return enterStream(next);
      leaveQueue(next, 'settled');
      next.resolve(answer);
    }
  };
  const leave = (entry: One, settled?: AppendOutcome) => {
    const next = streams.leave(entry.stream, entry);
    if (next) ready.add(next);
    if (entry.key !== undefined) leaveKey(entry.key, entry, settled);
  };
  // At once, and not when its turn comes: a batch may be in flight for longer than callers wait, and what they left would pile up behind it. Whoever waits for
  // this one gets its lanes, and is sent with those that are ready.
  const drop = (entry: One) => {
    leaveQueue(entry, 'settled');
    ready.delete(entry);
    leave(entry);
  };

  // Two batches at once pay the price twice, and save the time in which one side waits for the other: so they need as many commands as take longer to prepare.
  // With a flush of 2 ms, 64 callers get 12k/s by one batch at a time and 9k/s by two; without that delay two are faster by a third (docs/adr/0030).
  const pairFrom = () => Math.max(fewestInPair, priceMs / perCommandMs);
  const isWorthSending = () =>
    inFlight === 0 ? ready.size > 0 : inFlight < maxInFlight && ready.size >= pairFrom() / 2;
  // Callers that are answered together come back together: half of them are kept for a second batch, or there would never be one beside the first.
  const mostNow = () => {
    const isHalved = inFlight === 0 && maxInFlight > 1 && ready.size >= pairFrom();
    return Math.min(maxCommands, isHalved ? Math.floor(ready.size / 2) : ready.size);
  };
  const take = (): One[] => {
    const batch: One[] = [];
    const most = mostNow();
    let bytes = 0;
    for (const entry of ready) {
      if (batch.length >= most || bytes >= maxBytes) break;
      ready.delete(entry);
      bytes += entry.item.bytes.length;
      leaveQueue(entry, 'sent');
      batch.push(entry);
    }
    return batch;
  };

  const flush = async () => {
    isScheduled = false;
    if (!isWorthSending()) return; // dropped meanwhile
    const batch = take();
    const sentAt = now();
    inFlight++;
    const sending = send(batch.map(({ item }) => item));
    schedule();
    const outcomes = await sending.catch((error: unknown) => batch.map(() => toError(error)));
    inFlight--;
    const begunAt = Math.max(sentAt, answeredAt); // the server works on one batch at a time
    answeredAt = now();
    priceMs = answeredAt - begunAt - batch.length * perCommandMs;
    batch.forEach((entry, index) => {
      const outcome = outcomes[index] ?? new Error('a command of the batch has no outcome');
      const failed = outcome instanceof Error;
      leave(entry, failed ? undefined : outcome);
      if (failed) entry.reject(outcome);
      else entry.resolve(outcome);
      entry.state = 'settled';
    });
    schedule();
  };
  // At the end of the turn: callers that were just answered, and requests that arrived together, are in one batch instead of one and the rest.
  const schedule = () => {
    if (isScheduled || !isWorthSending()) return;
    isScheduled = true;
    setImmediate(() => void flush());
  };

  return {
    submit(item, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (queued >= maxQueued || queuedBytes + item.bytes.length > maxQueuedBytes)
        return Promise.reject(overloaded());
      const { promise, resolve, reject } = Promise.withResolvers<AppendOutcome>();
      const { streamId, idempotency } = item.command;
      const key = idempotency && latin1(idempotency.key);
      const entry: One = { item, stream: streamId, key, state: 'queued', resolve, reject };
      queued++;
      queuedBytes += item.bytes.length;
      onQueued(1);
      enter(entry);
      schedule();
      return signal === undefined ? promise : untilGone(promise, entry, signal);
    },
  };

  async function untilGone(outcome: Promise<AppendOutcome>, entry: One, signal: AbortSignal) {
    const onAbort = () => {
      if (entry.state === 'queued') drop(entry);
      entry.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await outcome;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** What a command hears whose key another command has just used; undefined when the key is still free. */
function answerOf(
  outcome: AppendOutcome,
  first: Append,
  second: Append,
): AppendOutcome | undefined {
  if (outcome.type === 'replayed')
    return sameRequest(outcome.answer.requestHash, second) ? outcome : { type: 'key_reused' };
  if (outcome.type !== 'appended' || first.idempotency === undefined) return undefined;
  const { requestHash, response } = first.idempotency;
  if (!sameRequest(requestHash, second)) return { type: 'key_reused' };
  const { partition, position } = outcome;
  return { type: 'replayed', answer: { requestHash, response, partition, position } };
}

const latin1 = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('latin1');

const toError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

function overloaded(): ReasonError {
  const message =
    'More commands wait than can be stored in a second; nothing was changed. Send it again later.';
  return new ReasonError('OVERLOADED', message, { retryAfterMs: 1000 });
}

const sameRequest = (hash: Uint8Array, { idempotency }: Append): boolean =>
  idempotency !== undefined && sameHash(hash, idempotency.requestHash);
