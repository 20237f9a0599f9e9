import { describe, expect, test } from 'vitest';
import type { Append, AppendOutcome, EventStore } from '../event-store.ts';
import type { ExpectedVersion } from '../expected-version.ts';
import type { EventStoreFixture } from './store-fixture.ts';
import { eventOf } from './toy-account.ts';

const newStream = () => crypto.randomUUID();
const one = (streamId: string, expected: ExpectedVersion, data = '{}'): Append => ({
  streamId,
  expected,
  events: [eventOf(data)],
});
const types = (outcomes: readonly AppendOutcome[]) => outcomes.map(({ type }) => type);

/** Appends commands that arrive together. */
const together = (store: EventStore, ...commands: readonly Append[]) =>
  Promise.all(commands.map((command) => store.append(command)));

/** What every event store does with versions, commands that arrive together, and data. */
export function describeAppend(fixture: () => EventStoreFixture): void {
  describe('append', () => {
    test('stores events in order, with versions from 1, and reads them back', async () => {
      const { store, other } = fixture();
      const streamId = newStream();
      const data = ['{"a":"ä\\"\\\\😀"}', '[12345678901234567890]', '{}'];
      const events = data.map((text, index) =>
        eventOf(text, { type: `T${index}`, schemaVersion: index + 1 }),
      );
      const outcome = await store.append({ streamId, expected: 'no_stream', events });
      expect(outcome).toMatchObject({ type: 'appended', version: 3 });
      const stored = await other.readStream(streamId, 0);
      expect(
        stored.map(({ version, type, schemaVersion }) => [version, type, schemaVersion]),
      ).toEqual([
        [1, 'T0', 1],
        [2, 'T1', 2],
        [3, 'T2', 3],
      ]);
      expect(stored.map((event) => event.data.replaceAll(' ', ''))).toEqual(data);
      expect(await store.readStream(streamId, 2)).toEqual(stored.slice(2));
    });

    test('reads nothing of a stream that does not exist', async () => {
      expect(await fixture().store.readStream(newStream(), 0)).toEqual([]);
    });

    test.each([
      [0, 'any', 'appended'],
      [0, 'no_stream', 'appended'],
      [0, 'exists', 'conflict'],
      [0, 1, 'conflict'],
      [2, 'any', 'appended'],
      [2, 'exists', 'appended'],
      [2, 2, 'appended'],
      [2, 'no_stream', 'conflict'],
      [2, 1, 'conflict'],
      [2, 3, 'conflict'],
    ] as const)('at version %i with expected %s: %s', async (actual, expected, type) => {
      const { store } = fixture();
      const streamId = newStream();
      if (actual > 0) {
        const events = [eventOf('{}'), eventOf('{}')];
        await store.append({ streamId, expected: 'no_stream', events });
      }
      const outcome = await store.append(one(streamId, expected));
      expect(outcome).toMatchObject(
        type === 'conflict' ? { type, actual } : { type, version: actual + 1 },
      );
      expect(await store.readStream(streamId, actual)).toHaveLength(type === 'conflict' ? 0 : 1);
    });

    test('takes or refuses each of the commands that arrive together on its own, and leaves no gap in the positions', async () => {
      const { store } = fixture();
      const taken = newStream();
      await store.append(one(taken, 'no_stream'));
      const three = {
        streamId: newStream(),
        expected: 'any',
        events: ['1', '2', '3'].map((n) => eventOf(n)),
      } as const;
      const outcomes = await together(
        store,
        one(newStream(), 'any'),
        one(taken, 'no_stream'),
        three,
      );
      expect(types(outcomes)).toEqual(['appended', 'conflict', 'appended']);
      const [first, , third] = outcomes as readonly { position: bigint }[];
      expect(third?.position).toBe((first?.position ?? 0n) + 3n);
    });

    test('decides two commands on the same stream one after the other, in the order in which they came', async () => {
      const streamId = newStream();
      const outcomes = await together(
        fixture().store,
        one(streamId, 'no_stream'),
        one(newStream(), 'any'),
        one(streamId, 'no_stream'),
        one(streamId, 1),
      );
      expect(types(outcomes)).toEqual(['appended', 'appended', 'conflict', 'appended']);
      expect(outcomes[2]).toMatchObject({ actual: 1 });
    });

    test.each([
      ['has the character U+0000', '{"a":"\\u0000"}'],
      ['has it in a name', '{"\\u0000":1}'],
      ['has half of a surrogate pair', '"\\ud83d"'],
      ['is no JSON', '{"a":1}]}'],
      ['is larger than 256 KiB', JSON.stringify('ä'.repeat(128 * 1024))],
    ])('fails only the command whose data %s', async (_, data) => {
      const { store } = fixture();
      const bad = one(newStream(), 'any', data);
      const settled = await Promise.allSettled([
        store.append(one(newStream(), 'any')),
        store.append(bad),
        store.append(one(newStream(), 'any')),
      ]);
      expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await store.readStream(bad.streamId, 0)).toEqual([]);
      await expect(store.append(bad)).rejects.toThrow();
    });

    test('fails only the command with U+0000 beside its data', async () => {
      const { store } = fixture();
      const event = eventOf('{}', { actor: { subject: 'a\0b', service: '' } });
      const bad = { ...one(newStream(), 'any'), events: [event] };
      const settled = await Promise.allSettled([
        store.append(bad),
        store.append(one(newStream(), 'any')),
      ]);
      expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    });

    test('keeps a backslash before u0000, a pair of surrogates, and every column', async () => {
      const { store } = fixture();
      const streamId = newStream();
      const data = '{"a":"\\\\u0000","b":"\\ud83d\\ude00"}';
      await store.append(one(streamId, 'any', data));
      const [stored] = await store.readStream(streamId, 0);
      expect(JSON.parse(stored?.data ?? '')).toEqual({ a: '\\u0000', b: '😀' });
    });

    test('drops a command whose caller has gone before it was sent, and only that', async () => {
      const { store } = fixture();
      const gone = one(newStream(), 'any');
      const stop = new AbortController();
      const dropped = store.append(gone, stop.signal);
      const kept = store.append(one(newStream(), 'any'), stop.signal);
      const later = store.append(one(newStream(), 'any'));
      stop.abort(new Error('gone'));
      await expect(dropped).rejects.toThrow('gone');
      await expect(kept).rejects.toThrow('gone');
      expect(await later).toMatchObject({ type: 'appended' });
      expect(await store.readStream(gone.streamId, 0)).toEqual([]);
      await expect(store.append(gone, stop.signal)).rejects.toThrow('gone');
    });

    test('stores an event of exactly 256 KiB', async () => {
      const data = JSON.stringify('x'.repeat(256 * 1024 - 2));
      expect(await fixture().store.append(one(newStream(), 'any', data))).toMatchObject({
        type: 'appended',
      });
    });

    test('lets one of 50 that expect the same version through, and tells the others the true one', async () => {
      const { store, other } = fixture();
      const streamId = newStream();
      await store.append({ streamId, expected: 'any', events: [eventOf('{}'), eventOf('{}')] });
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, n) => (n % 2 ? store : other).append(one(streamId, 2))),
      );
      expect(outcomes.filter(({ type }) => type === 'appended')).toHaveLength(1);
      expect(outcomes.filter((o) => o.type === 'conflict' && o.actual === 3)).toHaveLength(49);
      expect(await store.readStream(streamId, 0)).toHaveLength(3);
    });

    test('numbers concurrent appends of two processes without gap or overlap', async () => {
      const { store, other } = fixture();
      const start = await store.append(one(newStream(), 'any'));
      const streams = Array.from({ length: 5 }, newStream);
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_, n) => {
          const commands = [one(streams[n % 5] as string, 'any'), one(newStream(), 'any')] as const;
          return together(n % 2 ? store : other, ...commands);
        }),
      );
      const positions = outcomes.flat().map((o) => Number((o as { position: bigint }).position));
      const from = Number((start as { position: bigint }).position) + 1;
      expect(positions.sort((a, b) => a - b)).toEqual(
        Array.from({ length: 120 }, (_, n) => from + n),
      );
      for (const streamId of streams) {
        const versions = (await store.readStream(streamId, 0)).map(({ version }) => version);
        expect(versions).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
      }
    });
  });
}
