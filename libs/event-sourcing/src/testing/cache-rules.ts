import { describe, expect, test } from 'vitest';
import type { EventStore } from '../event-store.ts';
import { load } from '../load.ts';
import { stateCache } from '../state-cache.ts';
import { newKey } from './idempotency-rules.ts';
import { countedStore, runAccount as run } from './run-account.ts';
import type { EventStoreFixture } from './store-fixture.ts';
import { type AccountState, accounts } from './toy-account.ts';

const open = { type: 'Open' } as const;
const close = { type: 'Close' } as const;
const add = { type: 'Add', amount: 5 } as const;
const take = { type: 'Take', amount: 5 } as const;

/** Accounts as one process has them, with a cache of its own. */
const cachedAccounts = (store: EventStore) =>
  accounts(store, { cache: stateCache<AccountState>(100_000) });

/** What executing commands promises when states are cached and another process writes to the same streams. */
export function describeCache(fixture: () => EventStoreFixture): void {
  describe('execute with a cache', () => {
    /** A process whose cache has a new account, and another one without a cache. */
    async function warm() {
      const { store, other } = fixture();
      const counted = countedStore(store);
      const here = cachedAccounts(counted);
      const elsewhere = accounts(other);
      const streamId = crypto.randomUUID();
      await run(here, streamId, open);
      counted.calls();
      return { here, elsewhere, streamId, calls: counted.calls };
    }

    test('takes one round trip for a command on a cached stream', async () => {
      const { here, streamId, calls } = await warm();
      for (const version of [2, 3]) {
        expect(await run(here, streamId, add)).toMatchObject({ type: 'appended', version });
        expect(calls()).toEqual({ reads: 0, appends: 1 });
      }
    });

    test('never answers with what a stale state refuses', async () => {
      const { here, elsewhere, streamId, calls } = await warm();
      await run(elsewhere, streamId, add);
      expect(await run(here, streamId, take)).toMatchObject({ type: 'appended', version: 3 });
      expect(calls()).toEqual({ reads: 1, appends: 1 });
    });

    test('never answers with the version of a stale state', async () => {
      const { here, elsewhere, streamId } = await warm();
      await run(elsewhere, streamId, add);
      expect(await run(here, streamId, add, 2)).toMatchObject({ type: 'appended', version: 3 });
      await run(elsewhere, streamId, add);
      expect(await run(here, streamId, add, 'no_stream')).toMatchObject({ actual: 4 });
      await run(elsewhere, streamId, add);
      expect(await run(here, streamId, add, 2)).toMatchObject({ type: 'conflict', actual: 5 });
    });

    test('refuses what the stored state refuses, after one read beyond the cached version', async () => {
      const { here, streamId, calls } = await warm();
      expect(await run(here, streamId, take)).toEqual({ type: 'rejected', rejection: 'SHORT' });
      expect(calls()).toEqual({ reads: 1, appends: 0 });
    });

    test('refuses what others made impossible', async () => {
      const { here, elsewhere, streamId } = await warm();
      await run(elsewhere, streamId, close);
      expect(await run(here, streamId, add)).toEqual({ type: 'rejected', rejection: 'CLOSED' });
      expect(await run(here, streamId, add, 1)).toMatchObject({ type: 'conflict', actual: 2 });
    });

    test.each([
      ['the rules', 'any'],
      ['the expected version', 1],
    ] as const)('lets the key outrank %s of a cached state', async (_, expected) => {
      const { here, elsewhere, streamId } = await warm();
      const idempotency = newKey();
      await run(elsewhere, streamId, close, expected, { idempotency });
      await load(here, streamId);
      const again = await run(here, streamId, close, expected, { idempotency });
      expect(again.type === 'replayed' && String(again.response)).toBe('0 at 2');
    });

    test('never remembers that there is no stream', async () => {
      const { store, other } = fixture();
      const here = cachedAccounts(store);
      const streamId = crypto.randomUUID();
      expect(await run(here, streamId, add)).toEqual({ type: 'rejected', rejection: 'ABSENT' });
      await run(accounts(other), streamId, open);
      expect(await run(here, streamId, add)).toMatchObject({ type: 'appended', version: 2 });
    });

    test.each([
      ['before it was sent', false, 2],
      ['after it was stored', true, 3],
    ])('forgets the stream of an append that was lost %s', async (_, stored, version) => {
      const { store } = fixture();
      const lossy = countedStore(store, async (append, command) => {
        if (stored) await append(command);
        throw new Error('lost');
      });
      const streamId = crypto.randomUUID();
      await run(accounts(store), streamId, open);
      const here = cachedAccounts(lossy);
      await load(here, streamId);
      await expect(run(here, streamId, add)).rejects.toThrow('lost');
      expect(here.cache?.get(streamId)).toBeUndefined();
      expect(await run({ ...here, store }, streamId, add)).toMatchObject({ version });
    });

    test('goes back to nothing that was cached before the cache was emptied, also when that happens during a read', async () => {
      const { store } = fixture();
      const here = cachedAccounts({
        ...store,
        async readStream(...args) {
          here.cache?.clear(); // a new connection: the log may be another one
          return store.readStream(...args);
        },
      });
      const streamId = crypto.randomUUID();
      await run(accounts(store), streamId, open);
      here.cache?.put(streamId, {
        state: { open: true, balance: 999 },
        version: 1,
        snapshotVersion: 0,
      });
      expect(await load(here, streamId)).toMatchObject({ version: 1, state: { balance: 0 } });
      expect(here.cache?.get(streamId)).toBeUndefined();
    });

    test('keeps nothing of a command whose append emptied the cache', async () => {
      const { here, streamId } = await warm();
      const emptying = countedStore(here.store, (append, ...args) => {
        here.cache?.clear();
        return append(...args);
      });
      await run({ ...here, store: emptying }, streamId, add);
      expect(here.cache?.get(streamId)).toBeUndefined();
    });

    test('lets no slower command put an older state over a newer one', async () => {
      const { store } = fixture();
      const held = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const slow: EventStore = {
        ...store,
        async readStream(...args) {
          const events = await store.readStream(...args);
          begun.resolve();
          await held.promise;
          return events;
        },
      };
      const here = cachedAccounts(store);
      const streamId = crypto.randomUUID();
      await run(here, streamId, open);
      const slower = run({ ...here, store: slow }, streamId, take);
      await begun.promise;
      for (let n = 0; n < 3; n++) await run(here, streamId, add);
      held.resolve();
      expect(await slower).toEqual({ type: 'rejected', rejection: 'SHORT' });
      expect(here.cache?.get(streamId)).toMatchObject({ version: 4, state: { balance: 15 } });
    });

    test('keeps what a faster command of the same process cached when a slower one is in conflict', async () => {
      const { here, streamId } = await warm();
      const late = countedStore(here.store, async (append, batch) => {
        await run(here, streamId, add, 1);
        return append(batch);
      });
      const slower = await run({ ...here, store: late }, streamId, add, 1);
      expect(slower).toEqual({ type: 'conflict', expected: 1, actual: 2 });
      expect(here.cache?.get(streamId)).toMatchObject({ version: 2, state: { balance: 5 } });
    });

    test('loads a stream anew after a conflict with another process', async () => {
      const { here, elsewhere, streamId, calls } = await warm();
      await run(elsewhere, streamId, add);
      expect(await run(here, streamId, add, 1)).toMatchObject({ type: 'conflict', actual: 2 });
      calls();
      expect(await run(here, streamId, add)).toMatchObject({ type: 'appended', version: 3 });
      expect(calls()).toEqual({ reads: 1, appends: 1 });
    });

    test('lets one of 50 that name the same version through, and tells the others the true one', async () => {
      const { store, other } = fixture();
      const processes = [cachedAccounts(store), cachedAccounts(other)] as const;
      const streamId = crypto.randomUUID();
      await run(processes[0], streamId, open);
      await load(processes[1], streamId);
      const all = await Promise.all(
        Array.from({ length: 50 }, (_, n) => run(processes[n % 2 ? 1 : 0], streamId, close, 1)),
      );
      expect(all.filter(({ type }) => type === 'appended')).toHaveLength(1);
      const conflicts = all.filter(({ type }) => type === 'conflict');
      expect(conflicts).toEqual(Array(49).fill({ type: 'conflict', expected: 1, actual: 2 }));
    });

    test('forgets a stream whose cached version the log has not reached, as after a restore', async () => {
      const { here, streamId } = await warm();
      here.cache?.put(streamId, {
        state: { balance: 99, open: true },
        version: 7,
        snapshotVersion: 0,
      });
      const done = await run(here, streamId, add);
      expect(done).toMatchObject({ type: 'appended', version: 2 });
      expect(here.cache?.get(streamId)).toMatchObject({ version: 2, state: { balance: 5 } });
    });
  });
}
