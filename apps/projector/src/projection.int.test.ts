import { randomUUID } from 'node:crypto';
import { type BusMessage, Enrichment, type LogRow, ReasonError } from '@ordermesh/contract';
import { type BatchHandler, embeddedBus } from '@ordermesh/messaging';
import {
  applyEvent,
  type CustomerLookup,
  decodeEvent,
  postgresProjection,
  type StoredOrder,
  ViewsLostError,
  withCustomer,
} from '@ordermesh/read-model';
import { record } from '@ordermesh/read-model/testing';
import { databaseOutage, eventually } from '@ordermesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asMessages, type FeedFixture, feedFixture, orderRows } from '../test/order-log.ts';
import { type ScriptedCustomers, scriptedCustomers } from '../test/scripted-customers.ts';
import { type ViewStore, viewStore } from '../test/view-store.ts';
import type { ReadStretch } from './chain.ts';
import type { Customers } from './customers.ts';
import { type ProjectionOptions, projection } from './projection.ts';

const partitions = 4;
const signal = new AbortController().signal;
let store: ViewStore;
let service: ScriptedCustomers;
let rows: ReturnType<typeof orderRows>;

beforeEach(async () => {
  [store, service] = await Promise.all([viewStore(), scriptedCustomers({ openMs: 50 })]);
  rows = orderRows(partitions);
});
afterEach(async () => {
  await service?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
});

const noLog: ReadStretch = async () => [];
const handlerOf = (
  readStretch = noLog,
  customers = service.customers,
  rest: Partial<ProjectionOptions> = {},
) =>
  projection({
    ...{ name: postgresProjection, views: store.writer, customers, readStretch },
    readPoint: rows.point,
    onDiverged: (error) => {
      throw error;
    },
    ...rest,
  });
const unavailable = () => Promise.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'gone'));

/** The views that these events of whole orders make, with their customers as `service` knows them. */
function folded(all: readonly LogRow[]): Map<string, StoredOrder> {
  const views = new Map<string, StoredOrder>();
  for (const message of asMessages(all))
    views.set(message.key, applyEvent(views.get(message.key), decodeEvent(message)));
  for (const [id, stored] of views) {
    const known = service.known.has(stored.order.customerId);
    views.set(id, withCustomer(stored, known ? record(stored, 2) : 'unknown'));
  }
  return views;
}
const storedViews = (all: readonly LogRow[]) =>
  store.writer.load(all.map(({ streamId }) => streamId));
const deadLetters = async () => {
  const found = await store.rows('SELECT position, error_class FROM dead_letter ORDER BY position');
  return found.map((row) => [BigInt(String(row.position)), row.error_class]);
};

/** Four orders in each partition that go through their lives side by side. */
function lives(): LogRow[] {
  const customerIds = Array.from({ length: 5 }, () => randomUUID());
  for (const id of customerIds.slice(1)) service.register(id);
  const created = Array.from({ length: 4 * partitions }, (_, n) =>
    rows.created(n % partitions, customerIds[n % customerIds.length] as string),
  );
  const later = (['OrderConfirmed', 'OrderPaid', 'OrderShipped'] as const).flatMap((type, round) =>
    created.filter((_, n) => n % 4 >= round).map(({ streamId }) => rows.next(streamId, type)),
  );
  return [...created, ...later];
}

describe('a projection on a bus', () => {
  let log: FeedFixture;
  beforeEach(async () => {
    log = await feedFixture();
  });
  afterEach(() => log?.[Symbol.asyncDispose]());

  const consume = (handler: BatchHandler = handlerOf()) =>
    embeddedBus({ logUrl: log.url, viewUrl: store.database.url, partitions }).consume({
      group: postgresProjection,
      handler,
      idleEveryMs: 50,
      maxBatch: 3,
    });
  const caughtUp = (all: readonly LogRow[]) =>
    eventually(
      async () => {
        const reached = await store.reader.checkpoints([0, 1, 2, 3], signal);
        return all.every(({ partition, position }) => (reached.get(partition) ?? 0n) >= position);
      },
      { withinMs: 30_000 },
    );

  it('makes the views that a fold of the events makes, with their customers', async () => {
    const all = lives();
    await log.append(all.slice(0, 20));
    await using _ = await consume();
    await log.append(all.slice(20));
    await caughtUp(all);
    expect(await storedViews(all)).toEqual(folded(all));
    expect(await deadLetters()).toEqual([]);
  });

  it('goes on after a restart where it was', async () => {
    const all = lives();
    await log.append(all.slice(0, 20));
    const first = await consume();
    await caughtUp(all.slice(0, 20));
    await first[Symbol.asyncDispose]();
    await log.append(all.slice(20));

    const again: BusMessage[] = [];
    const handler = handlerOf();
    await using _ = await consume({
      ...handler,
      batch(batch) {
        again.push(...batch.messages);
        return handler.batch(batch);
      },
    });
    await caughtUp(all);
    expect(await storedViews(all)).toEqual(folded(all));
    const positions = again.map(({ position }) => position).sort((a, b) => Number(a - b));
    expect(positions).toEqual(all.slice(20).map(({ position }) => position));
  });

  it('changes nothing when everything is delivered again', async () => {
    const all = lives();
    const sick = rows.created(0, randomUUID());
    all.push(sick, rows.poison(sick.streamId), rows.next(sick.streamId, 'OrderPaid'));
    await log.append(all);
    const first = await consume();
    await caughtUp(all);
    await first[Symbol.asyncDispose]();
    // xmin is the transaction that wrote a row last.
    const state = () =>
      Promise.all([
        store.rows('SELECT order_id, revision, xmin FROM order_view ORDER BY order_id'),
        store.rows('SELECT position, error_class, xmin FROM dead_letter ORDER BY position'),
      ]);
    const before = await state();
    await store.rows('UPDATE ordermesh_bus.lease SET position = 0');

    const handler = handlerOf();
    let delivered = 0;
    await using _ = await consume({
      ...handler,
      async batch(batch) {
        await handler.batch(batch);
        delivered += batch.messages.length;
      },
    });
    await eventually(() => delivered === all.length);
    expect(await state()).toEqual(before);
  });

  it('writes views without their customers while the customer service is gone, and completes them when it is back', async () => {
    const customerId = randomUUID();
    const created = rows.created(1, customerId);
    service.register(customerId);
    service.instead = unavailable;
    await log.append([created]);
    await using _ = await consume();
    await caughtUp([created]);
    const view = async () => (await storedViews([created])).get(created.streamId);
    expect((await view())?.order.enrichment).toBe(Enrichment.PENDING);

    service.instead = undefined;
    const done = await eventually(async () => {
      const stored = await view();
      return stored?.order.enrichment === Enrichment.DONE && stored;
    });
    expect(done.order).toMatchObject({ version: 1, customerName: 'Ada Lovelace' });
    // What follows builds on the completed view.
    const paid = rows.next(created.streamId, 'OrderPaid');
    await log.append([paid]);
    await caughtUp([paid]);
    expect((await view())?.order).toMatchObject({ version: 2, customerName: 'Ada Lovelace' });
  });

  it('parks the order that it cannot project, also after a restart, and no other', async () => {
    const [sick, well] = [rows.created(2, randomUUID()), rows.created(2, randomUUID())];
    const poison = rows.poison(sick.streamId);
    const before = [sick, well, poison, rows.next(sick.streamId, 'OrderPaid')];
    await log.append(before);
    const first = await consume();
    await caughtUp(before);
    await first[Symbol.asyncDispose]();
    const after = [rows.next(sick.streamId, 'OrderShipped'), rows.next(well.streamId, 'OrderPaid')];
    await log.append(after);
    await using _ = await consume();
    await caughtUp(after);
    after.push(rows.next(sick.streamId, 'OrderDelivered'));
    await log.append(after.slice(2));
    await caughtUp(after);

    const views = await storedViews([sick, well]);
    expect(views.get(sick.streamId)?.order.version).toBe(1);
    expect(views.get(well.streamId)?.order.version).toBe(2);
    expect(await deadLetters()).toEqual([
      [poison.position, 'published_raw'],
      [before[3]?.position, 'follows'],
      [after[0]?.position, 'follows'],
      [after[2]?.position, 'follows'],
    ]);
    expect(await store.writer.parked(2)).toEqual(
      new Map([[sick.streamId, { position: poison.position, version: 2 }]]),
    );
  });
});

describe('a projection', () => {
  const partition = 2;
  const owned = async (handler: BatchHandler) => {
    await handler.assigned(partition, signal);
    return handler;
  };
  const batch = (messages: readonly BusMessage[], given = signal) => ({
    partition,
    messages,
    signal: given,
  });
  /** An order of four events in the partition. */
  function life(): { all: LogRow[]; messages: BusMessage[]; orderId: string } {
    const created = rows.created(partition, randomUUID());
    const { streamId: orderId } = created;
    const types = ['OrderConfirmed', 'OrderPaid', 'OrderShipped'] as const;
    const all = [created, ...types.map((type) => rows.next(orderId, type))];
    return { all, messages: asMessages(all), orderId };
  }
  const version = async (orderId: string) =>
    (await store.writer.load([orderId])).get(orderId)?.order.version;

  it('reads a stretch that the bus lost from the log', async () => {
    const { all, messages } = life();
    const asked: bigint[] = [];
    const handler = await owned(
      handlerOf(async (_, after) => {
        asked.push(after);
        return messages.filter(({ position }) => position > after);
      }),
    );
    await handler.batch(batch(messages.slice(0, 1)));
    await handler.batch(batch(messages.slice(3)));
    expect(asked).toEqual([messages[0]?.position]);
    expect(await storedViews(all)).toEqual(folded(all));
    expect((await store.writer.checkpoint(partition)).position).toBe(messages[3]?.position);
  });

  it('holds when the lost stretch cannot be read, and goes on from there', async () => {
    const { all, messages, orderId } = life();
    let reachable = false;
    const handler = await owned(
      handlerOf(async (_, after) =>
        reachable ? messages.filter(({ position }) => position > after) : unavailable(),
      ),
    );
    const delivered = batch([messages[0], messages[3]] as BusMessage[]);
    await expect(handler.batch(delivered)).rejects.toThrow('gone');
    expect(await version(orderId)).toBe(1);
    reachable = true;
    await handler.batch(delivered);
    expect(await storedViews(all)).toEqual(folded(all));
  });

  it('reads on from the log while there is no news of its partition', async () => {
    const { all, messages, orderId } = life();
    let reachable = false;
    const readStretch: ReadStretch = async (_, after) =>
      reachable ? messages.filter(({ position }) => position > after).slice(0, 3) : unavailable();
    const handler = handlerOf(readStretch, service.customers, { compareEveryMs: 0 });
    await owned(handler);
    await handler.idle?.(partition, signal); // the command service is away: no fault of the partition
    expect(await version(orderId)).toBeUndefined();
    reachable = true;
    await handler.idle?.(partition, signal);
    expect(await storedViews(all)).toEqual(folded(all));
    expect((await store.writer.checkpoint(partition)).position).toBe(messages[3]?.position);
  });

  it('fills a store again that lost what it held, and believes nothing that it remembers', async () => {
    const { all, messages, orderId } = life();
    const readStretch: ReadStretch = async (_, after) =>
      messages.filter(({ position }) => position > after);
    const handler = handlerOf(readStretch, service.customers, { compareEveryMs: 0 });
    await owned(handler);
    await handler.batch(batch(messages.slice(0, 2)));
    await store.rows('TRUNCATE order_view, projection_checkpoint');
    await expect(handler.idle?.(partition, signal)).rejects.toThrow(ViewsLostError);
    expect(await version(orderId)).toBeUndefined();
    await handler.batch(batch(messages.slice(2, 3)));
    await handler.idle?.(partition, signal);
    expect(await storedViews(all)).toEqual(folded(all));
    expect(await deadLetters()).toEqual([]);
  });

  it('puts aside what has no place in the log, of whatever key, without moving its checkpoint', async () => {
    const { all, messages } = life();
    const handler = await owned(handlerOf());
    const foreign = { ...(messages[0] as BusMessage), key: 'no order', position: -3n };
    await handler.batch(batch([...messages.slice(0, 2), foreign]));
    await handler.batch(batch([foreign]));
    expect((await store.writer.checkpoint(partition)).position).toBe(messages[1]?.position);
    await handler.batch(batch(messages.slice(2)));
    expect(await storedViews(all)).toEqual(folded(all));
    expect(await deadLetters()).toEqual([[-3n, 'malformed_header']]);
  });

  it('parks a message whose key can be no order, as any other', async () => {
    const { all, messages } = life();
    const handler = await owned(handlerOf());
    const [last] = asMessages([rows.next(all[0]?.streamId ?? '', 'OrderDelivered')]);
    const foreign = { ...(last as BusMessage), key: 'no order' };
    await handler.batch(batch([...messages, foreign]));
    expect(await storedViews(all)).toEqual(folded(all));
    expect(await deadLetters()).toEqual([[foreign.position, 'malformed_header']]);
  });

  it('writes the same batch again after an outage of its store', async () => {
    const { all, messages } = life();
    const handler = await owned(handlerOf());
    await handler.batch(batch(messages.slice(0, 2)));
    const outage = databaseOutage(store.database);
    await outage.begin();
    await expect(handler.batch(batch(messages.slice(2))))
      .rejects.toThrow()
      .finally(outage.end);
    await handler.batch(batch(messages.slice(2)));
    expect(await storedViews(all)).toEqual(folded(all));
  });

  it('writes nothing once its partition is lost', async () => {
    const { messages, orderId } = life();
    const handler = await owned(handlerOf());
    const lost = new AbortController();
    service.instead = async () => {
      lost.abort(new Error('the partition is lost'));
      return unavailable();
    };
    await expect(handler.batch(batch(messages, lost.signal))).rejects.toThrow('partition is lost');
    expect(await version(orderId)).toBeUndefined();
    expect((await store.writer.checkpoint(partition)).position).toBe(0n);
  });

  it('completes a view between batches, and keeps that when the customer service is gone again', async () => {
    const { all, messages, orderId } = life();
    let answer: CustomerLookup = 'pending';
    const customers: Customers = {
      lookup: async (ids) => new Map(ids.map((id) => [id, answer])),
    };
    const handler = await owned(handlerOf(noLog, customers));
    const view = async () => (await store.writer.load([orderId])).get(orderId)?.order;
    // Nothing is missing yet: from now on it looks only where it was told to.
    for (let n = 0; n < 2; n++) await handler.idle?.(partition, signal);
    await handler.batch(batch(messages.slice(0, 2)));
    expect(await view()).toMatchObject({ version: 2, enrichment: Enrichment.PENDING });
    answer = record(folded(all).get(orderId) as StoredOrder, 2);
    await handler.idle?.(partition, signal);
    expect(await view()).toMatchObject({ version: 2, enrichment: Enrichment.DONE });
    answer = 'pending';
    await handler.batch(batch(messages.slice(2)));
    const done = { version: 4, enrichment: Enrichment.DONE, customerName: 'Ada Lovelace' };
    expect(await view()).toMatchObject(done);
  });

  it('forgets what it knew of a partition that it gave away', async () => {
    const { messages, orderId } = life();
    const [mine, theirs] = [handlerOf(), handlerOf()];
    await owned(mine);
    await mine.batch(batch(messages.slice(0, 1)));
    await mine.revoked(partition);
    await expect(mine.batch(batch(messages.slice(1)))).rejects.toThrow('not assigned');
    await owned(theirs);
    await theirs.batch(batch(messages.slice(1, 3)));
    await theirs.revoked(partition);
    await owned(mine);
    // With the view that it had, this would be a gap in the order's versions.
    await mine.batch(batch(messages.slice(3)));
    expect(await version(orderId)).toBe(4);
    expect(await deadLetters()).toEqual([]);
  });
});
