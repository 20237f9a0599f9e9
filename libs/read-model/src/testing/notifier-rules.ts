import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredOrder } from '../stored-order.ts';
import { storedStates } from './stored-orders.ts';
import { batch, never, type OpenViewStore, type ViewStore } from './view-store.ts';

/** So long that only a notification can be what wakes a test. */
const noPoll = 3_600_000;

// Partitions from 20 up are the tests' own: the orders of the fixtures lie in 0 to 11.

/** Waiting for checkpoints and versions. */
export function notifierRules(open: OpenViewStore): void {
  describe('notifier', () => {
    let store: ViewStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store[Symbol.asyncDispose]());

    test('resolves for what was there before it was made', async () => {
      await store.writer.write(batch(30, 10n));
      await using notifier = store.notifier(noPoll);
      await notifier.reached(30, 10n, never);
      await notifier.reached(30, 9n, never);
      await notifier.reached(37, 0n, never);
    });

    test('wakes all waiters of a position when it is written, and nobody else', async () => {
      await using notifier = store.notifier(noPoll);
      await notifier.reached(31, 0n, never);
      const woken: string[] = [];
      const wait = (partition: number, position: bigint, signal = never) =>
        notifier.reached(partition, position, signal).then(() => {
          woken.push(`${partition}:${position}`);
        });
      const others = new AbortController();
      const waiting = [wait(31, 5n), wait(31, 4n), wait(31, 5n)];
      const left = [wait(31, 6n, others.signal), wait(32, 1n, others.signal)];
      await store.writer.write(batch(31, 5n));
      await Promise.all(waiting);
      expect(woken.sort()).toEqual(['31:4', '31:5', '31:5']);
      expect(notifier.waiting).toBe(2);
      others.abort();
      await Promise.allSettled(left);
      expect(notifier.waiting).toBe(0);
    });

    test('loses no wake, however check, wait and write interleave', async () => {
      await using notifier = store.notifier(noPoll);
      await notifier.reached(33, 0n, never);
      for (let position = 1n; position <= 200n; position++) {
        const write = store.writer.write(batch(33, position));
        if (position % 3n === 0n) await turn();
        if (position % 5n === 0n) await write;
        await Promise.all([write, notifier.reached(33, position, never)]);
        expect(await store.reader.checkpoint(33, never)).toBeGreaterThanOrEqual(position);
      }
    });

    test('loses no wake among writes that overlap', async () => {
      await using notifier = store.notifier(noPoll);
      const all = Array.from({ length: 100 }, async (_, i) => {
        const [partition, position] = [20 + (i % 10), BigInt(1 + Math.floor(i / 10))];
        const reached = notifier.reached(partition, position, never);
        await store.writer.write(batch(partition, position));
        await reached;
      });
      await Promise.all(all);
    });

    test('hands out an order as soon as it has the version', async () => {
      await using notifier = store.notifier(noPoll);
      const [first, second] = storedStates({ later: ['OrderConfirmed'] }) as [
        StoredOrder,
        StoredOrder,
      ];
      const { partition } = first;
      const wanted = (minVersion: number) =>
        notifier.forOrder(
          { orderId: first.order.orderId, owner: undefined, partition, minVersion },
          never,
        );
      const [one, two] = [wanted(1), wanted(2)];
      await store.writer.write(batch(partition, 100n, { orders: [first] }));
      expect(await one).toEqual(first);
      await store.writer.write(batch(partition, 101n));
      await store.writer.write(batch(partition, 102n, { orders: [second] }));
      expect(await two).toEqual(second);
      expect(await wanted(1)).toEqual(second);
    });

    test('loses no version, however read and write interleave', async () => {
      await using notifier = store.notifier(noPoll);
      for (let i = 0; i < 60; i++) {
        const [stored] = storedStates({ firstPosition: 1000n + BigInt(i) }) as [StoredOrder];
        const { order, partition } = stored;
        const request = { orderId: order.orderId, owner: undefined, partition, minVersion: 1 };
        const waiting = notifier.forOrder(request, never);
        for (let turns = i % 6; turns > 0; turns--) await turn();
        await store.writer.write(batch(partition, order.position, { orders: [stored] }));
        expect(await waiting).toEqual(stored);
      }
    });

    test('lets searches find what was written once it is there and searchable', async () => {
      await using notifier = store.notifier(noPoll);
      for (let i = 0; i < 10; i++) {
        const [stored] = storedStates({ firstPosition: 2000n + BigInt(i) }) as [StoredOrder];
        const { order, partition } = stored;
        const write = store.writer.write(batch(partition, order.position, { orders: [stored] }));
        await notifier.reached(partition, order.position, never);
        await store.reader.searchable(partition, order.position, never);
        const request = { owner: undefined, customerId: order.customerId, limit: 2 };
        const found = await store.reader.search({ ...request, orderBy: 'total' }, never);
        expect(found.orders).toEqual([order]);
        expect((await store.reader.list(request, never)).orders).toEqual([order]);
        await write;
      }
      const abort = AbortSignal.abort(new Error('deadline'));
      await expect(store.reader.searchable(0, 1n, abort)).rejects.toThrow('deadline');
    });

    test('rejects with the reason of the signal and leaves no waiter', async () => {
      await using notifier = store.notifier(noPoll);
      await notifier.reached(34, 0n, never);
      const abort = new AbortController();
      const reason = new Error('deadline');
      const order = { orderId: randomUUID(), owner: undefined, partition: 34, minVersion: 1 };
      const waits = [
        notifier.reached(34, 1n, abort.signal),
        notifier.forOrder(order, abort.signal),
      ].map((wait) => wait.catch((error: unknown) => error));
      await eventually(() => notifier.waiting === 2);
      abort.abort(reason);
      expect(await Promise.all(waits)).toEqual([reason, reason]);
      expect(notifier.waiting).toBe(0);
      await expect(notifier.reached(34, 1n, abort.signal)).rejects.toBe(reason);
    });

    test('rejects who waits when it is disposed, and who comes later', async () => {
      const notifier = store.notifier(50);
      const wait = notifier.reached(35, 1n, never).catch((error: Error) => error.message);
      await notifier[Symbol.asyncDispose]();
      expect(await wait).toBe('the notifier is closed');
      expect(notifier.waiting).toBe(0);
      await expect(notifier.reached(35, 1n, never)).rejects.toThrow('the notifier is closed');
    });

    test('heals when its connection is cut while somebody waits', async () => {
      await using notifier = store.notifier(noPoll);
      await notifier.reached(36, 0n, never);
      const wait = notifier.reached(36, 1n, never);
      await store.cutNotifiers();
      await store.writer.write(batch(36, 1n));
      await wait;
      const next = notifier.reached(36, 2n, never);
      await store.writer.write(batch(36, 2n));
      await next;
    });
  });
}
