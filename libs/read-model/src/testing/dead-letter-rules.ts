import { randomUUID } from 'node:crypto';
import type { BusMessage } from '@ordermesh/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deadLetter } from '../dead-letter.ts';
import { orderMessages } from './order-messages.ts';
import { storedOrder } from './stored-orders.ts';
import { batch, never, type OpenViewStore, type ViewStore } from './view-store.ts';

const fault = {
  errorClass: 'undecodable',
  detail: '3 bytes are no OrderPaid',
  attempts: 3,
  parkedAt: new Date('2026-01-02T03:04:05.678Z'),
};

/** Parked orders. */
export function deadLetterRules(open: OpenViewStore): void {
  describe('dead letters', () => {
    let store: ViewStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store[Symbol.asyncDispose]());

    test('parks an order together with the checkpoint and the views of the others', async () => {
      const [, second, third] = orderMessages({
        firstPosition: 10n,
        later: ['OrderConfirmed', 'OrderCancelled'],
      }) as [BusMessage, BusMessage, BusMessage];
      const { key, partition } = second;
      const other = { ...storedOrder(), partition };
      const dead = [
        deadLetter(third, { ...fault, errorClass: 'follows', attempts: 0 }),
        deadLetter(second, fault),
      ];
      const parking = batch(partition, 20n, { orders: [other], dead });
      await store.writer.write(parking);
      await store.writer.write(parking);

      const first = { position: 11n, version: 2 };
      expect(await store.writer.parked(partition)).toEqual(new Map([[key, first]]));
      expect(await store.writer.parked(partition + 1)).toEqual(new Map());
      expect(await store.reader.parkedOrder(partition, key, undefined, never)).toEqual(first);
      expect(
        await store.reader.parkedOrder(partition, randomUUID(), undefined, never),
      ).toBeUndefined();
      const events = [10n, 11n, 12n].map((at) => store.reader.parkedEvent(partition, at, never));
      expect(await Promise.all(events)).toEqual([false, true, true]);
      expect(await store.reader.parkedEvent(partition + 1, 11n, never)).toBe(false);
      expect(await store.reader.checkpoint(partition, never)).toBe(20n);
      expect(await store.reader.get(other.order.orderId, undefined, never)).toEqual(other);
    });

    test('gives what was put aside of an order as it came, and forgets what was applied after all', async () => {
      const [created, ...followers] = orderMessages({
        firstPosition: 50n,
        later: ['OrderConfirmed', 'OrderCancelled'],
      }) as [BusMessage, ...BusMessage[]];
      const at = (message: BusMessage) => ({ ...message, partition: 402 });
      const dead = followers.map((message) => deadLetter(at(message), fault)).toReversed();
      const stray = deadLetter({ ...at(created), position: -7n }, fault);
      await store.writer.write(batch(402, 60n, { dead: [...dead, stray] }));
      const letters = await store.writer.deadLetters(402, created.key);
      expect(letters.map(({ value, ...rest }) => ({ ...rest, value: Buffer.from(value) }))).toEqual(
        followers.map(({ position, headers, value }) => ({
          position,
          headers,
          value: Buffer.from(value),
        })),
      );
      expect(await store.writer.deadLetters(402, randomUUID())).toEqual([]);
      expect(await store.writer.deadLetters(403, created.key)).toEqual([]);

      const revived = letters.map(({ position }) => position);
      const orders = [{ ...storedOrder(), partition: 402 }];
      for (let n = 0; n < 2; n++) await store.writer.write(batch(402, 60n, { orders, revived }));
      expect(await store.writer.deadLetters(402, created.key)).toEqual([]);
      expect(await store.writer.parked(402)).toEqual(new Map());
      expect(await store.reader.parkedEvent(402, 51n, never)).toBe(false);
      expect(await store.reader.parkedEvent(402, -7n, never)).toBe(true);
      const [order] = orders;
      expect(await store.reader.get(order?.order.orderId ?? '', undefined, never)).toEqual(order);
    });

    test('holds no order up for a message without a position', async () => {
      const [created] = orderMessages({ firstPosition: 30n }) as [BusMessage];
      const { key } = created;
      const dead = [deadLetter({ ...created, partition: 401, position: -9n }, fault)];
      await store.writer.write(batch(401, 0n, { dead }));
      await store.writer.write(batch(401, 31n, { dead }));
      expect(await store.writer.parked(401)).toEqual(new Map());
      expect(await store.reader.parkedOrder(401, key, undefined, never)).toBeUndefined();
      expect(await store.reader.parkedEvent(401, -9n, never)).toBe(true);
    });

    test('keeps an event of which nothing can be read', async () => {
      const broken: BusMessage = {
        partition: 400,
        position: 77n,
        key: 'no\0uuid \ud800',
        value: Uint8Array.of(0, 255, 1),
        headers: { ce_sequence: 'x', 'ce_type\0': '\ud800\0', toString: '"\\' },
      };
      const dead = [deadLetter(broken, { ...fault, detail: 'nul \0, half \udc00' })];
      await store.writer.write(batch(400, 77n, { dead }));
      expect([...(await store.writer.parked(400)).values()]).toEqual([
        { position: 77n, version: 0 },
      ]);
      expect(await store.reader.parkedOrder(400, broken.key, undefined, never)).toBeDefined();
      expect(await store.reader.parkedEvent(400, 77n, never)).toBe(true);
    });
  });
}
