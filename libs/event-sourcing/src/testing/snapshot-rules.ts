import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Aggregate } from '../aggregate.ts';
import type { EventStore } from '../event-store.ts';
import { load } from '../load.ts';
import { snapshots } from '../snapshots.ts';
import { stateCache } from '../state-cache.ts';
import { countedStore, runAccount as run } from './run-account.ts';
import type { EventStoreFixture } from './store-fixture.ts';
import {
  type AccountCommand,
  type AccountEvent,
  type AccountRejection,
  type AccountState,
  accountDecider,
  accountStateCodec,
  accounts,
  eventOf,
} from './toy-account.ts';

const schemaHash = 'of this state';
const odd = '{"a":"ä\\"\\\\😀\\u0000","n":12345678901234567890,"m":1.0}';

/** A stream of so many events in the store. */
async function streamOf(store: EventStore, events: number): Promise<string> {
  const streamId = crypto.randomUUID();
  const added = Array.from({ length: events }, () => eventOf('{"type":"Added","amount":1}'));
  await store.append({ streamId, expected: 'no_stream', events: added });
  return streamId;
}

/** What every event store does with snapshots, and what they do to loading. */
export function describeSnapshots(fixture: () => EventStoreFixture, randomRuns: number): void {
  describe('snapshot', () => {
    test('comes back exactly, with the events beyond it', async () => {
      const { store, other } = fixture();
      const streamId = await streamOf(store, 5);
      await store.saveSnapshot({ streamId, version: 3, schemaHash, state: odd });
      const read = await other.readFromSnapshot(streamId, schemaHash);
      expect(read).toEqual({
        snapshot: { version: 3, state: odd },
        otherSchema: false,
        events: await store.readStream(streamId, 3),
      });
      expect(read.events.map(({ version }) => version)).toEqual([4, 5]);
    });

    test('of the last version leaves no event to read', async () => {
      const { store } = fixture();
      const streamId = await streamOf(store, 2);
      await store.saveSnapshot({ streamId, version: 2, schemaHash, state: '{}' });
      expect((await store.readFromSnapshot(streamId, schemaHash)).events).toEqual([]);
    });

    test('of another schema is passed over: all events are read', async () => {
      const { store } = fixture();
      const streamId = await streamOf(store, 5);
      await store.saveSnapshot({ streamId, version: 3, schemaHash, state: '{}' });
      const events = await store.readStream(streamId, 0);
      const read = await store.readFromSnapshot(streamId, 'of another state');
      expect(read).toEqual({ snapshot: undefined, otherSchema: true, events });
    });

    test('is not needed: without one all events are read', async () => {
      const { store } = fixture();
      const streamId = await streamOf(store, 3);
      const events = await store.readStream(streamId, 0);
      const none = { snapshot: undefined, otherSchema: false };
      expect(await store.readFromSnapshot(streamId, schemaHash)).toEqual({ ...none, events });
      const absent = await store.readFromSnapshot(crypto.randomUUID(), schemaHash);
      expect(absent).toEqual({ ...none, events: [] });
    });

    test('that is newer stays, whichever is saved last; one of another schema is replaced', async () => {
      const { store, other } = fixture();
      const streamId = await streamOf(store, 5);
      const save = (version: number, hash: string) =>
        other.saveSnapshot({ streamId, version, schemaHash: hash, state: `${version}` });
      const kept = async (hash: string) =>
        (await store.readFromSnapshot(streamId, hash)).snapshot?.version;
      await save(4, schemaHash);
      await save(2, schemaHash);
      expect(await kept(schemaHash)).toBe(4);
      await save(3, 'of another state');
      expect([await kept('of another state'), await kept(schemaHash)]).toEqual([3, undefined]);
    });
  });

  describe('load with snapshots', () => {
    test('takes one every so many events, and folds only what lies beyond', async () => {
      const { store } = fixture();
      await using taken = snapshots({ store, codec: accountStateCodec, every: 3 });
      const aggregate = accounts(store, { snapshots: taken });
      const streamId = crypto.randomUUID();
      await run(aggregate, streamId, { type: 'Open' });
      const versions: (number | undefined)[] = [];
      for (let n = 0; n < 7; n++) {
        await run(aggregate, streamId, { type: 'Add', amount: 5 });
        await taken.idle();
        const { snapshot } = await store.readFromSnapshot(streamId, accountStateCodec.schemaHash);
        versions.push(snapshot?.version);
      }
      expect(versions).toEqual([undefined, 3, 3, 3, 6, 6, 6]);
      const counted = countedStore(store);
      const loaded = await load({ ...aggregate, store: counted }, streamId);
      expect(loaded).toMatchObject({ state: { balance: 35 }, version: 8, snapshotVersion: 6 });
      expect(counted.calls().reads).toBe(1);
    });

    test.each([
      ['is no JSON', 'x'],
      ['is of another shape', '{"balance":"1","open":true}'],
    ])('replays the events when the snapshot %s, and takes it anew', async (_, text) => {
      const { store, damageSnapshots } = fixture();
      await using taken = snapshots({ store, codec: accountStateCodec, every: 2 });
      const aggregate = accounts(store, { snapshots: taken });
      const streamId = await streamOf(store, 4);
      await load(aggregate, streamId);
      await taken.idle();
      await damageSnapshots(text);
      expect(await load(aggregate, streamId)).toMatchObject({ state: { balance: 4 }, version: 4 });
      await taken.idle();
      const { snapshot } = await store.readFromSnapshot(streamId, accountStateCodec.schemaHash);
      expect(snapshot).toEqual({ version: 4, state: '{"balance":4,"open":true}' });
    });

    test('replays the events when the state’s schema has changed, and never converts', async () => {
      const { store } = fixture();
      const streamId = await streamOf(store, 4);
      const old = { ...accountStateCodec, schemaHash: 'old' };
      await store.saveSnapshot({
        streamId,
        version: 4,
        schemaHash: old.schemaHash,
        state: '{"balance":-1,"open":false}',
      });
      await using taken = snapshots({ store, codec: accountStateCodec, every: 100 });
      const loaded = await load(accounts(store, { snapshots: taken }), streamId);
      expect(loaded).toMatchObject({ state: { balance: 4, open: true }, version: 4 });
    });
  });

  test(
    'no snapshot, cache, deletion or other process changes what commands come to',
    async () => {
      const { store, other, damageSnapshots } = fixture();
      await fc.assert(
        fc.asyncProperty(fc.array(processes, { minLength: 2, maxLength: 2 }), steps, (made, all) =>
          agree([store, other], made, all, damageSnapshots),
        ),
        { numRuns: randomRuns },
      );
    },
    60_000 + 1000 * randomRuns, // a run takes about 50 ms
  );
}

/** How a process is set. Caches hold nothing, one account, or all. */
const processes = fc.record({
  every: fc.integer({ min: 1, max: 8 }),
  cacheBytes: fc.constantFrom(0, 400, 100_000),
});

const amount = fc.integer({ min: 0, max: 20 });
const commands: fc.Arbitrary<AccountCommand> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ type: 'Open' as const }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('Add' as const), amount }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('Take' as const), amount }) },
  { weight: 1, arbitrary: fc.constant({ type: 'Close' as const }) },
);

const steps = fc.array(
  fc.record({
    process: fc.nat(1),
    stream: fc.nat(1),
    command: commands,
    /** Added to the true version; undefined names none. */
    off: fc.option(fc.constantFrom(0, 0, 0, 1, -1), { nil: undefined }),
    before: fc.oneof(
      { weight: 8, arbitrary: fc.constant('nothing' as const) },
      { weight: 2, arbitrary: fc.constant('idle' as const) },
      { weight: 1, arbitrary: fc.constant('delete' as const) },
      { weight: 1, arbitrary: fc.constant('damage' as const) },
    ),
  }),
  { minLength: 10, maxLength: 40, size: 'max' },
);

type Account = Aggregate<AccountCommand, AccountState, AccountEvent, AccountRejection>;
type Made = { readonly every: number; readonly cacheBytes: number };
type Steps = typeof steps extends fc.Arbitrary<infer S> ? S : never;

/** Runs the steps in two processes and on a plain fold in memory, and compares every answer and the ends. */
async function agree(
  stores: readonly EventStore[],
  made: readonly Made[],
  all: Steps,
  damageSnapshots: EventStoreFixture['damageSnapshots'],
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const running: Account[] = made.map(({ every, cacheBytes }, index) => {
    const store = stores[index] as EventStore;
    const taken = stack.use(snapshots({ store, codec: accountStateCodec, every }));
    return accounts(store, { cache: stateCache<AccountState>(cacheBytes), snapshots: taken });
  });
  const streams = [crypto.randomUUID(), crypto.randomUUID()];
  const model = streams.map(() => ({ state: undefined as AccountState | undefined, version: 0 }));

  for (const { process, stream, command, off, before } of all) {
    if (before !== 'nothing') for (const { snapshots } of running) await snapshots?.idle();
    if (before === 'delete') await damageSnapshots();
    if (before === 'damage') await damageSnapshots('damaged');
    const account = model[stream] as (typeof model)[0];
    const expected = off === undefined ? 'any' : Math.max(1, account.version + off);
    const done = await run(
      running[process] as Account,
      streams[stream] as string,
      command,
      expected,
    );
    expect(told(done)).toEqual(modelStep(account, command, expected));
  }

  for (const [index, { state, version }] of model.entries()) {
    for (const aggregate of [...running, accounts(stores[0] as EventStore)]) {
      const loaded = await load(aggregate, streams[index] as string);
      expect({ state: loaded.state, version: loaded.version }).toEqual({ state, version });
    }
  }
}

function told(done: Awaited<ReturnType<typeof run>>): unknown {
  return done.type === 'appended'
    ? { type: done.type, version: done.version, response: String(done.response) }
    : done;
}

/** The same step on an account in memory; changes it. */
function modelStep(
  account: { state: AccountState | undefined; version: number },
  command: AccountCommand,
  expected: number | 'any',
): unknown {
  const conflict = { type: 'conflict', expected, actual: account.version };
  const mismatch = expected !== 'any' && expected !== account.version;
  if (account.version > 0 && mismatch) return conflict;
  const decision = accountDecider.decide(command, account.state);
  if (!decision.ok) return { type: 'rejected', rejection: decision.rejection };
  if (mismatch) return conflict;
  for (const event of decision.events) {
    account.state = accountDecider.evolve(account.state, event);
    account.version += 1;
  }
  const response = `${account.state?.balance} at ${account.version}`;
  return { type: 'appended', version: account.version, response };
}
