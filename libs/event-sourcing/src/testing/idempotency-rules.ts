import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Append, AppendOutcome } from '../event-store.ts';
import { type Idempotency, idempotencyKey, requestHash } from '../idempotency.ts';
import type { EventStoreFixture } from './store-fixture.ts';
import { eventOf } from './toy-account.ts';

/** A key that nobody used before, with a request. */
export const newKey = (request = 'request'): Idempotency => ({
  key: idempotencyKey('caller', 'method', randomBytes(8).toString('hex')),
  requestHash: requestHash(Buffer.from(request)),
});

const keyed = (idempotency: Idempotency, response: string, more: Partial<Append> = {}): Append => ({
  streamId: crypto.randomUUID(),
  expected: 'any',
  events: [eventOf('{}')],
  idempotency: { ...idempotency, response: Buffer.from(response) },
  ...more,
});

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** What every event store does with keys. */
export function describeIdempotency(fixture: () => EventStoreFixture): void {
  describe('idempotency key', () => {
    test('keeps the answer of the first command, byte for byte, with its place in the log', async () => {
      const { store, other } = fixture();
      const key = newKey();
      const response = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
      const first = keyed(key, '', { events: [eventOf('1'), eventOf('2')] });
      const [stored] = await store.append([{ ...first, idempotency: { ...key, response } }]);
      const { partition, position } = stored as { partition: number; position: bigint };
      const answer = await other.findAnswer(key.key);
      expect(answer).toMatchObject({ partition, position });
      expect(Buffer.compare(answer?.response ?? Buffer.of(), response)).toBe(0);
      expect(Buffer.compare(answer?.requestHash ?? Buffer.of(), key.requestHash)).toBe(0);
    });

    test('finds nothing under a key that was never used', async () => {
      expect(await fixture().store.findAnswer(newKey().key)).toBeUndefined();
    });

    test('answers the same request again, and outranks the expected version', async () => {
      const { store, other } = fixture();
      const key = newKey();
      const first = keyed(key, 'first', { expected: 'no_stream' });
      await store.append([first]);
      const [again] = await other.append([
        { ...first, idempotency: { ...key, response: Buffer.from('again') } },
      ]);
      expect(again?.type === 'replayed' && text(again.answer.response)).toBe('first');
      expect(await store.readStream(first.streamId, 0)).toHaveLength(1);
    });

    test('refuses another request under the same key', async () => {
      const { store } = fixture();
      const key = newKey();
      await store.append([keyed(key, 'first')]);
      const second = keyed({ ...key, requestHash: newKey('another').requestHash }, 'second');
      expect(await store.append([second])).toEqual([{ type: 'key_reused' }]);
      expect(await store.readStream(second.streamId, 0)).toEqual([]);
    });

    test('is free again after a command that was not stored', async () => {
      const { store } = fixture();
      const key = newKey();
      const outcomes = [
        ...(await store.append([keyed(key, 'no', { expected: 'exists' })])),
        ...(await store.append([keyed(key, 'no', { events: [eventOf('"\\u0000"')] })])),
        ...(await store.append([keyed(key, 'yes')])),
      ];
      expect(outcomes.map(({ type }) => type)).toEqual(['conflict', 'failed', 'appended']);
      expect(text((await store.findAnswer(key.key))?.response ?? Buffer.of())).toBe('yes');
    });

    test('decides two commands of one batch with the same key one after the other', async () => {
      const key = newKey();
      const outcomes = await fixture().store.append([keyed(key, 'a'), keyed(key, 'b')]);
      expect(outcomes.map(({ type }) => type)).toEqual(['appended', 'replayed']);
    });

    test('lets one of 100 parallel commands happen and gives all the same answer', async () => {
      const { store, other } = fixture();
      const key = newKey();
      const streamId = crypto.randomUUID();
      const outcomes: AppendOutcome[] = (
        await Promise.all(
          Array.from({ length: 100 }, (_, n) =>
            (n % 2 ? store : other).append([keyed(key, `answer ${n}`, { streamId })]),
          ),
        )
      ).flat();
      expect(outcomes.filter(({ type }) => type === 'appended')).toHaveLength(1);
      const answers = outcomes.flatMap((o) =>
        o.type === 'replayed' ? [text(o.answer.response)] : [],
      );
      expect(answers).toHaveLength(99);
      expect(new Set(answers).size).toBe(1);
      expect(await store.readStream(streamId, 0)).toHaveLength(1);
    });
  });
}
