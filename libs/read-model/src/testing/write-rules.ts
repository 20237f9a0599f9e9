import { randomUUID } from 'node:crypto';
import { toJson } from '@bufbuild/protobuf';
import { type BusMessage, type Order, OrderSchema } from '@ordermesh/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeEvent } from '../decode-event.ts';
import { applyEvent, isDuplicate } from '../evolve-view.ts';
import type { StoredOrder } from '../stored-order.ts';
import { viewRevision } from '../view-revision.ts';
import { withCustomer } from '../with-customer.ts';
import { orderMessages } from './order-messages.ts';
import { record, storedOrder, storedStates } from './stored-orders.ts';
import { batch, never, type OpenViewStore, put, type ViewStore } from './view-store.ts';

const wholeLife = ['OrderConfirmed', 'OrderPaid', 'OrderShipped', 'OrderDelivered'] as const;
const json = (order: Order | undefined) => order && toJson(OrderSchema, order);

/** Writes: revisions, repetition, checkpoints, the queue of incomplete views. */
export function writeRules(open: OpenViewStore): void {
  describe('writes', () => {
    let store: ViewStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store[Symbol.asyncDispose]());

    const get = (stored: StoredOrder) => store.reader.get(stored.order.orderId, undefined, never);

    test('gives back what was written, to writer and reader', async () => {
      const stored = storedOrder({ later: wholeLife }, ['Ada', 'ada@example.com']);
      await put(store, [stored]);
      expect(await get(stored)).toEqual(stored);
      const { orderId } = stored.order;
      const unknown = randomUUID();
      expect(await store.writer.load([orderId, unknown, orderId])).toEqual(
        new Map([[orderId, stored]]),
      );
      expect(await store.reader.get(unknown, undefined, never)).toBeUndefined();
    });

    test('changes nothing when a batch is written again', async () => {
      const stored = storedOrder();
      const again = batch(stored.partition, 10n, { orders: [stored] });
      await store.writer.write(again);
      await store.writer.write(again);
      expect(await get(stored)).toEqual(stored);
      expect(await store.reader.checkpoint(stored.partition, never)).toBe(10n);
    });

    test('never replaces a view by an older version', async () => {
      const [first, second] = storedStates({ later: ['OrderCancelled'] }) as [
        StoredOrder,
        StoredOrder,
      ];
      await put(store, [second]);
      await put(store, [first]);
      expect(await get(first)).toEqual(second);
    });

    test('takes the newer one of two views of an order in one batch', async () => {
      const [first, second] = storedStates({ later: ['OrderCancelled'] }) as [
        StoredOrder,
        StoredOrder,
      ];
      await put(store, [second, first]);
      expect(await get(first)).toEqual(second);
    });

    test('takes an enrichment of the same version, and a later one, never an earlier one', async () => {
      const pending = storedOrder();
      const unknown = withCustomer(pending, 'unknown');
      const named = withCustomer(pending, record(pending, 2, 'Ada'));
      const renamed = withCustomer(named, record(pending, 3, 'Ada King'));
      for (const [write, expected] of [
        [pending, pending],
        [unknown, unknown],
        [named, named],
        [unknown, named],
        [renamed, renamed],
        [named, renamed],
        [pending, renamed],
      ] as const) {
        await put(store, [write]);
        expect(await get(pending)).toEqual(expected);
      }
    });

    test('takes the next version after an enrichment and refuses an enrichment of the version before', async () => {
      const [first, second] = storedStates({ later: ['OrderConfirmed'] }) as [
        StoredOrder,
        StoredOrder,
      ];
      const named = withCustomer(first, record(first, 5));
      await put(store, [named]);
      await put(store, [second]);
      expect(await get(first)).toEqual(second);
      await put(store, [withCustomer(first, record(first, 900))]);
      expect(await get(first)).toEqual(second);
    });

    test('ends with the same view whatever the order and repetition of its writes', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(4), fc.constantFrom(0, 1, 2, 3)), {
            minLength: 1,
            maxLength: 12,
          }),
          fc.integer({ min: 1, max: 4 }),
          async (writes, perBatch) => {
            const states = storedStates({ later: wholeLife });
            const orders = writes.map(([version, customerRevision]) => ({
              ...(states[version] as StoredOrder),
              customerRevision,
            }));
            for (let i = 0; i < orders.length; i += perBatch)
              await store.writer.writeEnrichment(orders.slice(i, i + perBatch));
            const newest = orders.reduce((a, b) => (revision(a) < revision(b) ? b : a));
            expect(await get(newest)).toEqual(newest);
          },
        ),
        { numRuns: 25 },
      );
    });

    test('gives the same views from events that come in any batches and again', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(14), fc.integer({ min: 1, max: 8 })), { maxLength: 6 }),
          async (stretches) => {
            const orders = [1n, 2n, 3n].map((firstPosition) =>
              orderMessages({ later: wholeLife, firstPosition }),
            );
            // Interleaved like a partition: order 0, 1, 2, 0, 1, 2, …
            const log = [0, 1, 2, 3, 4].flatMap((i) => orders.map((o) => o[i] as BusMessage));
            // At least once: each stretch starts at or before what is already delivered.
            let delivered = 0;
            for (const [back, length] of [...stretches, [0, log.length] as const]) {
              const from = Math.max(0, delivered - back);
              await project(store, log.slice(from, from + length));
              delivered = Math.max(delivered, Math.min(log.length, from + length));
            }
            for (const messages of orders) {
              const expected = fold(messages);
              const actual = await get(expected);
              expect(json(actual?.order)).toEqual(json(expected.order));
              expect(actual?.traceparent).toBe(expected.traceparent);
            }
          },
        ),
        { numRuns: 20 },
      );
    });

    test('moves a checkpoint forwards only, each partition for itself', async () => {
      for (const position of [5n, 3n, 2n ** 53n + 1n, 7n])
        await store.writer.write(batch(100, position));
      await store.writer.write(batch(101, 2n));
      expect((await store.writer.checkpoint(100)).position).toBe(2n ** 53n + 1n);
      expect(await store.reader.checkpoints([100, 101, 102], never)).toEqual(
        new Map([
          [100, 2n ** 53n + 1n],
          [101, 2n],
          [102, 0n],
        ]),
      );
    });

    test('keeps the last event of a checkpoint, and of which log it is, where they are known', async () => {
      const [eventId, logId, later] = [randomUUID(), randomUUID(), randomUUID()];
      expect(await store.writer.checkpoint(110)).toEqual({ position: 0n });
      await store.writer.write(batch(110, 4n));
      expect((await store.writer.checkpoint(110)).eventId).toBeUndefined();
      await store.writer.write(batch(110, 5n, { eventId, logId }));
      await store.writer.write(batch(110, 3n, { eventId: later, logId })); // delivered again
      expect(await store.writer.checkpoint(110)).toEqual({ position: 5n, eventId, logId });
      await store.writer.write(batch(110, 6n, { eventId: later, logId }));
      expect(await store.writer.checkpoint(110)).toEqual({ position: 6n, eventId: later, logId });
    });

    test('lists an incomplete view as soon as it is written, and no longer once it is complete', async () => {
      const pending = { ...storedOrder(), partition: 202 };
      const request = { partitions: [202], kind: 'pending', limit: 3 } as const;
      await store.writer.write(batch(202, 1n, { orders: [pending] }));
      expect(await store.writer.incomplete(request)).toEqual([pending]);
      await store.writer.writeEnrichment([withCustomer(pending, record(pending, 2))]);
      expect(await store.writer.incomplete(request)).toEqual([]);
    });

    test('lists incomplete views by kind and partition, in pages, until they are complete', async () => {
      const all = Array.from({ length: 5 }, () => ({ ...storedOrder(), partition: 200 }));
      const unknown = { ...withCustomer(storedOrder(), 'unknown'), partition: 200 };
      const elsewhere = { ...storedOrder(), partition: 201 };
      await put(store, [...all, unknown, elsewhere]);
      const ids = (orders: readonly StoredOrder[]) => orders.map((stored) => stored.order.orderId);
      const expected = ids(all).sort();
      const request = { partitions: [200], kind: 'pending', limit: 3 } as const;
      const first = await store.writer.incomplete(request);
      const second = await store.writer.incomplete({ ...request, after: ids(first)[2] });
      expect([ids(first).length, ...ids(first), ...ids(second)]).toEqual([3, ...expected]);
      expect(await store.writer.incomplete({ ...request, kind: 'unknown' })).toEqual([unknown]);
      expect(
        await store.writer.incomplete({ ...request, partitions: [200, 201], limit: 9 }),
      ).toHaveLength(6);
      await put(
        store,
        [...all, unknown].map((stored) => withCustomer(stored, record(stored, 2))),
      );
      for (const kind of ['pending', 'unknown'] as const)
        expect(await store.writer.incomplete({ ...request, kind })).toEqual([]);
    });
  });
}

const revision = (stored: StoredOrder) =>
  viewRevision(stored.order.version, stored.customerRevision);

function fold(messages: readonly BusMessage[]): StoredOrder {
  const none = undefined as StoredOrder | undefined;
  return messages.reduce(
    (view, message) => applyEvent(view, decodeEvent(message)),
    none,
  ) as StoredOrder;
}

/** What a projector does with a batch. */
async function project(store: ViewStore, messages: readonly BusMessage[]): Promise<void> {
  const views = new Map(await store.writer.load(messages.map((message) => message.key)));
  for (const message of messages) {
    const decoded = decodeEvent(message);
    const view = views.get(decoded.orderId);
    if (!isDuplicate(view?.order, decoded)) views.set(decoded.orderId, applyEvent(view, decoded));
  }
  await store.writer.write(
    batch(300, messages.at(-1)?.position ?? 0n, { orders: [...views.values()] }),
  );
}
