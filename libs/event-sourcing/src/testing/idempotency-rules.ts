import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Append } from '../event-store.ts';
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
      const stored = await store.append({ ...first, idempotency: { ...key, response } });
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
      await store.append(first);
      const idempotency = { ...key, response: Buffer.from('again') };
      const again = await other.append({ ...first, idempotency });
      expect(again.type === 'replayed' && text(again.answer.response)).toBe('first');
      expect(await store.readStream(first.streamId, 0)).toHaveLength(1);
    });

    test('refuses another request under the same key', async () => {
      const { store } = fixture();
      const key = newKey();
      await store.append(keyed(key, 'first'));
      const second = keyed({ ...key, requestHash: newKey('another').requestHash }, 'second');
      expect(await store.append(second)).toEqual({ type: 'key_reused' });
      expect(await store.readStream(second.streamId, 0)).toEqual([]);
    });

    test('is free again after a command that was not stored', async () => {
      const { store } = fixture();
      const key = newKey();
      const refused = await store.append(keyed(key, 'no', { expected: 'exists' }));
      expect(refused.type).toBe('conflict');
      const impossible = keyed(key, 'no', { events: [eventOf('"\\u0000"')] });
      await expect(store.append(impossible)).rejects.toThrow();
      expect((await store.append(keyed(key, 'yes'))).type).toBe('appended');
      expect(text((await store.findAnswer(key.key))?.response ?? Buffer.of())).toBe('yes');
    });

    test('lets the others with the same key wait for the first: one is stored, the rest get its answer', async () => {
      const { store } = fixture();
      const key = newKey();
      const place = ({ partition, position }: { partition: number; position: bigint }) => [
        partition,
        position,
      ];
      const outcomes = await Promise.all([
        store.append(keyed(key, 'a')),
        store.append(keyed(key, 'b')),
        store.append(keyed({ ...key, requestHash: newKey('another').requestHash }, 'c')),
      ]);
      expect(outcomes.map(({ type }) => type)).toEqual(['appended', 'replayed', 'key_reused']);
      const [first, second] = outcomes;
      if (first?.type !== 'appended' || second?.type !== 'replayed') throw new Error('unreachable');
      expect(text(second.answer.response)).toBe('a');
      expect(place(second.answer)).toEqual(place(first));
    });

    test('goes to the next one with it when the first is not stored', async () => {
      const { store } = fixture();
      const key = newKey();
      const stop = new AbortController();
      const impossible = keyed(key, 'no', {
        events: [eventOf('{}', { actor: { subject: '\0', service: '' } })],
      });
      const settled = Promise.allSettled([
        store.append(keyed(key, 'conflict', { expected: 'exists' })),
        store.append(impossible),
        store.append(keyed(key, 'gone'), stop.signal),
        store.append(keyed(key, 'stored')),
        store.append(keyed(key, 'late')),
      ]);
      stop.abort(new Error('gone'));
      const types = (await settled).map((one) =>
        one.status === 'fulfilled' ? one.value.type : 'failed',
      );
      expect(types).toEqual(['conflict', 'failed', 'failed', 'appended', 'replayed']);
      expect(text((await store.findAnswer(key.key))?.response ?? Buffer.of())).toBe('stored');
    });

    test('lets one of 100 parallel commands happen and gives all the same answer', async () => {
      const { store, other } = fixture();
      const key = newKey();
      const streamId = crypto.randomUUID();
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          (n % 2 ? store : other).append(keyed(key, `answer ${n}`, { streamId })),
        ),
      );
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
