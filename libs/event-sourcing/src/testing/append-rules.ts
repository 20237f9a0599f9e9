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

async function appendOne(store: EventStore, append: Append): Promise<AppendOutcome> {
  return (await store.append([append]))[0] as AppendOutcome;
}

/** What every event store does with versions, batches and data. */
export function describeAppend(fixture: () => EventStoreFixture): void {
  describe('append', () => {
    test('stores events in order, with versions from 1, and reads them back', async () => {
      const { store, other } = fixture();
      const streamId = newStream();
      const data = ['{"a":"ä\\"\\\\😀"}', '[12345678901234567890]', '{}'];
      const events = data.map((text, index) =>
        eventOf(text, { type: `T${index}`, schemaVersion: index + 1 }),
      );
      const outcome = await appendOne(store, { streamId, expected: 'no_stream', events });
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
        await store.append([
          { streamId, expected: 'no_stream', events: [eventOf('{}'), eventOf('{}')] },
        ]);
      }
      const outcome = await appendOne(store, one(streamId, expected));
      expect(outcome).toMatchObject(
        type === 'conflict' ? { type, actual } : { type, version: actual + 1 },
      );
      expect(await store.readStream(streamId, actual)).toHaveLength(type === 'conflict' ? 0 : 1);
    });

    test('takes or refuses each command of a batch on its own, and leaves no gap in the positions', async () => {
      const { store } = fixture();
      const taken = newStream();
      await store.append([one(taken, 'no_stream')]);
      const three = {
        streamId: newStream(),
        expected: 'any',
        events: ['1', '2', '3'].map((n) => eventOf(n)),
      } as const;
      const outcomes = await store.append([
        one(newStream(), 'any'),
        one(taken, 'no_stream'),
        three,
      ]);
      expect(types(outcomes)).toEqual(['appended', 'conflict', 'appended']);
      const [first, , third] = outcomes as readonly { position: bigint }[];
      expect(third?.position).toBe((first?.position ?? 0n) + 3n);
    });

    test('answers an empty batch with nothing', async () => {
      expect(await fixture().store.append([])).toEqual([]);
    });

    test('decides two commands of one batch on the same stream one after the other', async () => {
      const streamId = newStream();
      const batch = [
        one(streamId, 'no_stream'),
        one(newStream(), 'any'),
        one(streamId, 'no_stream'),
      ];
      const outcomes = await fixture().store.append(batch);
      expect(types(outcomes)).toEqual(['appended', 'appended', 'conflict']);
      expect(outcomes[2]).toMatchObject({ actual: 1 });
    });

    test.each([
      ['has the character U+0000', '{"a":"\\u0000"}'],
      ['is no JSON', '{"a":1}]}'],
      ['is larger than 256 KiB', JSON.stringify('ä'.repeat(128 * 1024))],
    ])('fails only the command whose data %s', async (_, data) => {
      const { store } = fixture();
      const batch = [
        one(newStream(), 'any'),
        one(newStream(), 'any', data),
        one(newStream(), 'any'),
      ];
      const outcomes = await store.append(batch);
      expect(types(outcomes)).toEqual(['appended', 'failed', 'appended']);
      expect(await store.readStream(batch[1]?.streamId ?? '', 0)).toEqual([]);
      expect(types(await store.append(batch.slice(1, 2)))).toEqual(['failed']);
    });

    test('stores an event of exactly 256 KiB', async () => {
      const data = JSON.stringify('x'.repeat(256 * 1024 - 2));
      expect(await appendOne(fixture().store, one(newStream(), 'any', data))).toMatchObject({
        type: 'appended',
      });
    });

    test('lets one of 50 that expect the same version through, and tells the others the true one', async () => {
      const { store, other } = fixture();
      const streamId = newStream();
      await store.append([{ streamId, expected: 'any', events: [eventOf('{}'), eventOf('{}')] }]);
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, n) => appendOne(n % 2 ? store : other, one(streamId, 2))),
      );
      expect(outcomes.filter(({ type }) => type === 'appended')).toHaveLength(1);
      expect(outcomes.filter((o) => o.type === 'conflict' && o.actual === 3)).toHaveLength(49);
      expect(await store.readStream(streamId, 0)).toHaveLength(3);
    });

    test('numbers concurrent appends of two processes without gap or overlap', async () => {
      const { store, other } = fixture();
      const start = await appendOne(store, one(newStream(), 'any'));
      const streams = Array.from({ length: 5 }, newStream);
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_, n) => {
          const batch = [one(streams[n % 5] as string, 'any'), one(newStream(), 'any')];
          return (n % 2 ? store : other).append(batch);
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
