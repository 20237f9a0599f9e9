import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ReasonError } from '@ordermesh/contract';
import type { Append, AppendOutcome } from '@ordermesh/event-sourcing';
import { eventually } from '@ordermesh/testing';
import { expect, test } from 'vitest';
import { type BatcherOptions, createBatcher, type Encoded } from './batcher.ts';
import { appendOf } from './testing/raw-append.ts';

interface InFlight {
  readonly streams: readonly string[];
  readonly settle: (outcomes?: readonly (AppendOutcome | Error)[]) => void;
  readonly fail: (error: Error) => void;
}

let position = 0n;
const appended = (): AppendOutcome => ({
  type: 'appended',
  version: 1,
  partition: 0,
  position: ++position,
});

/** A batcher whose batches stay in flight until the test settles them. */
function held(options: Partial<BatcherOptions<Encoded>> = {}) {
  const flights: InFlight[] = [];
  let waiting = 0;
  const batcher = createBatcher<Encoded>({
    send(batch) {
      const { promise, resolve, reject } =
        Promise.withResolvers<readonly (AppendOutcome | Error)[]>();
      flights.push({
        streams: batch.map(({ command }) => command.streamId),
        settle: (outcomes = batch.map(appended)) => resolve(outcomes),
        fail: reject,
      });
      return promise;
    },
    onQueued: (by) => {
      waiting += by;
    },
    now: () => 0, // no batch costs anything by itself
    ...options,
  });
  const submit = (command: Append, signal?: AbortSignal, bytes = Buffer.alloc(10)) =>
    batcher.submit({ command, bytes }, signal);
  const flight = (n: number) => eventually(() => flights[n] ?? false);
  return { submit, flight, flights, waiting: () => waiting };
}

const on = (streamId: string, key?: string, request = 'r'): Append => ({
  ...appendOf(streamId),
  ...(key && {
    idempotency: {
      key: Buffer.from(key),
      requestHash: Buffer.from(request),
      response: Buffer.from(`answer of ${streamId}`),
    },
  }),
});

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Lets the batcher do what it would do without any further event. */
const turns = async () => {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
};

test('sends at once what arrives together, and what arrives meanwhile together in the next batch', async () => {
  const { submit, flight, flights, waiting } = held();
  const first = [submit(on('a')), submit(on('b'))];
  expect((await flight(0)).streams).toEqual(['a', 'b']);
  const second = [submit(on('c')), submit(on('d')), submit(on('e'))];
  await turns();
  expect(flights).toHaveLength(1);
  expect(waiting()).toBe(3);
  flights[0]?.settle();
  await Promise.all(first);
  expect((await flight(1)).streams).toEqual(['c', 'd', 'e']);
  flights[1]?.settle();
  await Promise.all(second);
  expect(waiting()).toBe(0);
});

test('puts callers that were answered together into one batch again', async () => {
  const { submit, flight, flights } = held();
  const caller = async (stream: string) => {
    await submit(on(stream));
    await submit(on(stream));
  };
  const callers = ['a', 'b', 'c'].map(caller);
  (await flight(0)).settle();
  expect((await flight(1)).streams).toEqual(['a', 'b', 'c']);
  flights[1]?.settle();
  await Promise.all(callers);
});

const streamsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, n) => `s${first + n}`);

test('sends a second batch behind the first once 32 commands wait, and never a third', async () => {
  const { submit, flight, flights } = held({ maxInFlight: 2 });
  const all = [submit(on('a'))];
  await flight(0);
  all.push(...streamsFrom(0, 31).map((stream) => submit(on(stream))));
  await turns();
  expect(flights).toHaveLength(1);
  all.push(submit(on('s31')));
  expect((await flight(1)).streams).toEqual(streamsFrom(0, 32));
  all.push(...streamsFrom(32, 200).map((stream) => submit(on(stream))));
  await turns();
  expect(flights).toHaveLength(2);
  (await flight(0)).settle();
  expect((await flight(2)).streams).toEqual(streamsFrom(32, 200));
  (await flight(1)).settle();
  (await flight(2)).settle();
  await Promise.all(all);
});

test.each([
  [64, [32, 32]],
  [63, [63]],
])('makes of %i commands that came together batches of %j', async (count, sizes) => {
  const { submit, flights } = held({ maxInFlight: 2 });
  const all = streamsFrom(0, count).map((stream) => submit(on(stream)));
  await turns();
  expect(flights.map(({ streams }) => streams.length)).toEqual(sizes);
  for (const { settle } of flights) settle();
  await Promise.all(all);
});

test.each([
  // What the preparation of 100 commands takes, 2 ms, is saved.
  [1.9, [50, 50]],
  [2.1, [100]],
])(
  'makes two batches of what came together only where that saves more than the price of a batch, %d ms',
  async (priceMs, sizes) => {
    let now = 0;
    const { submit, flight, flights } = held({ maxInFlight: 2, now: () => now });
    const all = [submit(on('a'))];
    const { settle } = await flight(0);
    all.push(...streamsFrom(0, 20).map((stream) => submit(on(stream)))); // too few for a second one
    now += 7;
    settle();
    const second = await flight(1);
    all.push(...streamsFrom(20, 100).map((stream) => submit(on(stream))));
    now += priceMs + 20 * 0.02;
    second.settle();
    await turns();
    expect(flights.slice(2).map(({ streams }) => streams.length)).toEqual(sizes);
    for (const flight of flights.slice(2)) flight.settle();
    await Promise.all(all);
  },
);

test('never has two commands of one stream or one key in flight, in whichever batches', async () => {
  const { submit, flight, flights } = held({ maxInFlight: 2 });
  const all = [submit(on('a', 'k'))];
  await flight(0);
  all.push(submit(on('a')), submit(on('b', 'k')));
  all.push(...streamsFrom(0, 64).map((stream) => submit(on(stream))));
  expect((await flight(1)).streams).toEqual(streamsFrom(0, 64));
  (await flight(1)).settle();
  await turns();
  expect(flights).toHaveLength(2);
  (await flight(0)).settle();
  expect((await flight(2)).streams).toEqual(['a']);
  (await flight(2)).settle();
  expect((await Promise.all(all))[2]).toMatchObject({ type: 'replayed' });
});

test('gives each command its own outcome, or all of them the error of the batch', async () => {
  const { submit, flight } = held();
  const settled = Promise.allSettled([submit(on('a')), submit(on('b'))]);
  (await flight(0)).settle([appended(), new Error('only b')]);
  expect(await settled).toMatchObject([
    { value: { type: 'appended' } },
    { reason: { message: 'only b' } },
  ]);
  const failed = Promise.allSettled([submit(on('a')), submit(on('b'))]);
  (await flight(1)).fail(new Error('both'));
  expect(await failed).toMatchObject([
    { reason: { message: 'both' } },
    { reason: { message: 'both' } },
  ]);
});

test.each([
  ['commands', { maxCommands: 2 }],
  ['bytes', { maxBytes: 20 }],
])('closes a batch at its most %s', async (_, options) => {
  const { submit, flight } = held(options);
  const all = ['a', 'b', 'c'].map((stream) => submit(on(stream)));
  expect((await flight(0)).streams).toEqual(['a', 'b']);
  (await flight(0)).settle();
  (await flight(1)).settle();
  await Promise.all(all);
});

test('has one command per stream and per key in a batch; the others follow in order and hold nobody up', async () => {
  const { submit, flight } = held();
  const all = [
    submit(on('a')),
    submit(on('a', 'k')),
    submit(on('a')),
    submit(on('b', 'k')),
    submit(on('c')),
  ];
  expect((await flight(0)).streams).toEqual(['a', 'c']);
  (await flight(0)).settle();
  expect((await flight(1)).streams).toEqual(['a']);
  (await flight(1)).settle();
  // Whoever waited for the key was answered without being sent.
  expect(await all[3]).toMatchObject({ type: 'replayed' });
  expect((await flight(2)).streams).toEqual(['a']);
  (await flight(2)).settle();
  await Promise.all(all);
});

test('answers those with the same key from the first one that is stored, by their request', async () => {
  const { submit, flight, flights } = held();
  const all = [
    submit(on('a', 'k')),
    submit(on('b', 'k')),
    submit(on('c', 'k')),
    submit(on('d', 'k', 'other')),
  ];
  const answer = {
    requestHash: Buffer.from('r'),
    response: Buffer.from('x'),
    partition: 3,
    position: 7n,
  };
  (await flight(0)).settle([{ type: 'conflict', actual: 4 }]);
  expect((await flight(1)).streams).toEqual(['b']);
  flights[1]?.settle([{ type: 'replayed', answer }]);
  expect(await Promise.all(all)).toEqual([
    { type: 'conflict', actual: 4 },
    { type: 'replayed', answer },
    { type: 'replayed', answer },
    { type: 'key_reused' },
  ]);
  expect(flights).toHaveLength(2);
});

test('drops a command whose caller goes before it is sent, and lets those behind it through', async () => {
  const { submit, flight, flights, waiting } = held();
  const stop = new AbortController();
  const first = submit(on('x'));
  await flight(0);
  const gone = Promise.allSettled([
    submit(on('a', 'k'), stop.signal),
    submit(on('a'), stop.signal),
    submit(on('b', 'k'), stop.signal),
  ]);
  const kept = [submit(on('a', 'k')), submit(on('b'))];
  stop.abort(new Error('gone'));
  expect(await gone).toMatchObject(Array(3).fill({ reason: { message: 'gone' } }));
  expect(waiting()).toBe(2);
  flights[0]?.settle();
  expect((await flight(1)).streams.toSorted()).toEqual(['a', 'b']);
  flights[1]?.settle();
  await Promise.all([first, ...kept]);
  expect(waiting()).toBe(0);
});

test('keeps nothing of commands whose callers went before they were sent, however long the batch before takes', async () => {
  const { submit, flight } = held();
  const first = submit(on('x'));
  await flight(0);
  const holder = submit(on('a', 'k'));
  const gone: WeakRef<Buffer>[] = [];
  const leave = async (command: Append) => {
    const stop = new AbortController();
    const bytes = Buffer.alloc(10);
    gone.push(new WeakRef(bytes));
    const waiting = submit(command, stop.signal, bytes);
    stop.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
  };
  await leave(on('b')); // next to be sent
  await leave(on('a')); // waits for its stream
  await leave(on('c', 'k')); // waits for its key
  await eventually(() => {
    collectGarbage();
    return gone.every((bytes) => bytes.deref() === undefined);
  });
  (await flight(0)).settle();
  (await flight(1)).settle();
  await Promise.all([first, holder]);
});

test('answers a caller who goes after sending with its own reason, and goes on with the batch', async () => {
  const { submit, flight } = held();
  const stop = new AbortController();
  const gone = submit(on('a', 'k'), stop.signal);
  const other = submit(on('b'));
  const follower = submit(on('c', 'k'));
  await flight(0);
  stop.abort(new Error('deadline'));
  await expect(gone).rejects.toThrow('deadline');
  (await flight(0)).settle();
  expect(await other).toMatchObject({ type: 'appended' });
  expect(await follower).toMatchObject({ type: 'replayed' });
});

test.each([
  ['commands', { maxQueued: 2 }, 10],
  ['bytes', { maxQueuedBytes: 25 }, 10],
])('refuses at once with OVERLOADED when too many %s wait', async (_, options, size) => {
  const { submit, flight } = held(options);
  const sent = submit(on('a'));
  await flight(0);
  const waiting = [submit(on('b')), submit(on('c'))];
  const refused = submit(on('d'), undefined, Buffer.alloc(size));
  await expect(refused).rejects.toBeInstanceOf(ReasonError);
  await expect(refused).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfterMs: 1000 });
  (await flight(0)).settle();
  (await flight(1)).settle();
  await Promise.all([sent, ...waiting]);
  const later = submit(on('e'));
  (await flight(2)).settle();
  expect(await later).toMatchObject({ type: 'appended' });
});

test('takes no command of a caller that has gone', async () => {
  const { submit, flights } = held();
  await expect(submit(on('a'), AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  await turns();
  expect(flights).toEqual([]);
});
