import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { EventStore } from '../event-store.ts';
import { execute } from '../execute.ts';
import { load } from '../load.ts';
import { stateCache } from '../state-cache.ts';
import { uuidv7 } from '../uuidv7.ts';
import { newKey } from './idempotency-rules.ts';
import { countedStore, runAccount } from './run-account.ts';
import type { EventStoreFixture } from './store-fixture.ts';
import { type AccountState, accounts, metadata } from './toy-account.ts';

const newId = uuidv7(Date.now, randomBytes);

const run = (store: EventStore, ...rest: Tail<Parameters<typeof runAccount>>) =>
  runAccount(accounts(store), ...rest);

type Tail<T extends readonly unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

const open = { type: 'Open' } as const;
const close = { type: 'Close' } as const;
const add = { type: 'Add', amount: 5 } as const;

async function opened(store: EventStore): Promise<string> {
  const streamId = crypto.randomUUID();
  await run(store, streamId, open);
  return streamId;
}

/** What executing commands promises over any event store. */
export function describeExecute(fixture: () => EventStoreFixture): void {
  describe('execute', () => {
    test('loads, decides, appends and answers with the state after the command', async () => {
      const { store, other } = fixture();
      const streamId = await opened(store);
      await run(other, streamId, add, 1);
      const done = await run(store, streamId, add, 2);
      expect(done).toMatchObject({ type: 'appended', version: 3 });
      expect(done.type === 'appended' && String(done.response)).toBe('10 at 3');
      expect(await load(accounts(other), streamId)).toMatchObject({
        state: { balance: 10, open: true },
        version: 3,
      });
    });

    test('hands on what the decider refuses and stores nothing', async () => {
      const { store } = fixture();
      const streamId = await opened(store);
      await run(store, streamId, close);
      expect(await run(store, streamId, add)).toEqual({ type: 'rejected', rejection: 'CLOSED' });
      expect(await store.readStream(streamId, 0)).toHaveLength(2);
    });

    test('leaves a second create to the decider, unless the caller expects no stream', async () => {
      const { store } = fixture();
      const streamId = await opened(store);
      expect(await run(store, streamId, open)).toEqual({ type: 'rejected', rejection: 'TAKEN' });
      expect(await run(store, streamId, open, 'no_stream')).toEqual({
        type: 'conflict',
        expected: 'no_stream',
        actual: 1,
      });
    });

    test('reads nothing where a stream begins, and refuses one that is there all the same', async () => {
      const store = countedStore(fixture().store);
      const streamId = crypto.randomUUID();
      const begun = (expected: 'any' | 'no_stream') =>
        run(store, streamId, open, expected, { begins: true });
      expect(await begun('any')).toMatchObject({ type: 'appended', version: 1 });
      expect(store.calls()).toEqual({ reads: 0, appends: 1 });
      expect(await begun('any')).toEqual({ type: 'rejected', rejection: 'TAKEN' });
      expect(await begun('no_stream')).toMatchObject({ type: 'conflict', actual: 1 });
      expect(await store.readStream(streamId, 0)).toHaveLength(1);
    });

    test.each([3, 'exists', 'any'] as const)(
      'lets existence outrank the expected version: %s on an absent stream is the decider’s to refuse',
      async (expected) => {
        const refused = await run(fixture().store, crypto.randomUUID(), add, expected);
        expect(refused).toEqual({ type: 'rejected', rejection: 'ABSENT' });
      },
    );

    test('lets the expected version outrank the rules', async () => {
      const { store } = fixture();
      const streamId = await opened(store);
      await run(store, streamId, close);
      expect(await run(store, streamId, add, 1)).toEqual({
        type: 'conflict',
        expected: 1,
        actual: 2,
      });
      expect(await run(store, streamId, add, 2)).toEqual({ type: 'rejected', rejection: 'CLOSED' });
    });

    test.each([
      ['read', undefined],
      ['cached', stateCache<AccountState>(10_000)],
    ])('takes a stream that its caller may not know of for absent, %s', async (_, cache) => {
      const { store } = fixture();
      const streamId = await opened(store);
      const known = accounts(store, cache ? { cache } : {});
      await runAccount(known, streamId, add);
      const hidden = { mayKnow: () => false };
      for (const expected of ['any', 'exists', 2, 9] as const)
        expect(await runAccount(known, streamId, add, expected, hidden)).toEqual({
          type: 'rejected',
          rejection: 'ABSENT',
        });
      // Not what it is for, but nothing is ever stored on a stream that was hidden.
      const taken = await runAccount(known, streamId, open, 'any', hidden);
      expect(taken).toMatchObject({ type: 'conflict', actual: 2 });
      expect(await store.readStream(streamId, 0)).toHaveLength(2);
      const shown = { mayKnow: ({ balance }: AccountState) => balance === 5 };
      expect(await runAccount(known, streamId, add, 2, shown)).toMatchObject({ type: 'appended' });
    });

    test('does not create when the caller expects a stream', async () => {
      const { store } = fixture();
      const streamId = crypto.randomUUID();
      const refused = await run(store, streamId, open, 'exists');
      expect(refused).toEqual({ type: 'conflict', expected: 'exists', actual: 0 });
      expect(await store.readStream(streamId, 0)).toEqual([]);
    });

    test.each([
      ['the rules', 'any', close],
      ['the expected version', 1, close],
      ['existence of another stream', 'no_stream', open],
    ] as const)('lets the key outrank %s', async (_, expected, command) => {
      const { store, other } = fixture();
      const streamId = command === open ? crypto.randomUUID() : await opened(store);
      const idempotency = newKey();
      const first = await run(store, streamId, command, expected, { idempotency });
      expect(first.type).toBe('appended');
      const again = await run(other, streamId, command, expected, { idempotency });
      const { response, partition, position } = first as Extract<
        typeof first,
        { type: 'appended' }
      >;
      expect(again).toEqual({ type: 'replayed', response, partition, position });
      const another = { ...idempotency, requestHash: newKey('another').requestHash };
      expect(await run(store, streamId, command, expected, { idempotency: another })).toEqual({
        type: 'key_reused',
      });
    });

    test('refuses under a key of which nothing is known as without one, and does not remember it', async () => {
      const { store } = fixture();
      const streamId = await opened(store);
      const idempotency = newKey();
      expect(await run(store, streamId, open, 'any', { idempotency })).toMatchObject({
        type: 'rejected',
      });
      expect(await store.findAnswer(idempotency.key)).toBeUndefined();
    });

    test('does a command with a key once, however many send it', async () => {
      const { store, other } = fixture();
      const streamId = await opened(store);
      const idempotency = newKey();
      const all = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          run(n % 2 ? store : other, streamId, close, 'any', { idempotency }),
        ),
      );
      expect(all.filter(({ type }) => type === 'appended')).toHaveLength(1);
      expect(all.filter(({ type }) => type === 'replayed')).toHaveLength(29);
      expect(new Set(all.map((done) => 'response' in done && String(done.response)))).toEqual(
        new Set(['0 at 2']),
      );
    });

    test('decides again on what others stored when the caller named no version', async () => {
      const { store, other } = fixture();
      const streamId = await opened(store);
      const all = await Promise.all(
        [store, other, store, other].map((by) => run(by, streamId, add)),
      );
      expect(all.map(({ type }) => type)).toEqual(Array(4).fill('appended'));
      expect((await load(accounts(store), streamId)).state?.balance).toBe(20);
    });

    test.each([
      ['exists', 4, { expected: 4, actual: 5 }],
      [1, 1, { expected: 1, actual: 2 }],
    ] as const)(
      'with expected %s gives up at decision %i when others are faster each time',
      async (expected, decisions, versions) => {
        const { store, other } = fixture();
        const streamId = await opened(store);
        let reads = 0;
        const late: EventStore = {
          ...store,
          readStream: (...args) => {
            reads++;
            return store.readStream(...args);
          },
          async append(...args) {
            await run(other, streamId, { type: 'Add', amount: 1 });
            return store.append(...args);
          },
        };
        expect(await run(late, streamId, add, expected)).toEqual({ type: 'conflict', ...versions });
        expect(reads).toBe(decisions);
      },
    );

    test('lets one of ten through that named the same version', async () => {
      const { store, other } = fixture();
      const streamId = await opened(store);
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, n) => run(n % 2 ? store : other, streamId, add, 1)),
      );
      expect(all.filter(({ type }) => type === 'appended')).toHaveLength(1);
      const conflicts = all.filter(({ type }) => type === 'conflict');
      expect(conflicts).toEqual(Array(9).fill({ type: 'conflict', expected: 1, actual: 2 }));
    });

    test('stores nothing once its signal is aborted', async () => {
      const { store } = fixture();
      const streamId = await opened(store);
      const stop = new AbortController();
      const respond = () => {
        stop.abort(new Error('gone'));
        return Buffer.of();
      };
      await expect(
        run(store, streamId, add, 'any', { signal: stop.signal, respond }),
      ).rejects.toThrow('gone');
      expect(await store.readStream(streamId, 1)).toEqual([]);
    });

    test('throws what makes a single command impossible to store', async () => {
      const { store } = fixture();
      const aggregate = accounts(store);
      const codec = {
        ...aggregate.codec,
        encode: () => ({ type: 'X', schemaVersion: 1, data: '"\\u0000"' }),
      };
      const options = {
        streamId: crypto.randomUUID(),
        expected: 'any',
        metadata,
        respond: () => Buffer.of(),
        newId,
        now: new Date(),
      } as const;
      await expect(execute({ ...aggregate, codec }, open, options)).rejects.toThrow(
        'cannot be stored',
      );
    });
  });
}
