import { type BusMessage, header, OrderStatus } from '@ordermesh/contract';
import type { StoredOrder } from '@ordermesh/read-model';
import { orderMessages, storedStates } from '@ordermesh/read-model/testing';
import { describe, expect, it } from 'vitest';
import { foldBatch } from './fold-batch.ts';

const now = new Date('2026-01-02T03:04:05Z');
const none = new Map<string, never>();
const life = ['OrderConfirmed', 'OrderPaid', 'OrderShipped'] as const;
const fold = (
  messages: readonly BusMessage[],
  views: ReadonlyMap<string, StoredOrder> = none,
  parked: Parameters<typeof foldBatch>[2] = none,
) => foldBatch(messages, views, parked, now);

/** Events of an order at every second position from `first` on, so that two orders interleave. */
function order(first: bigint, later: readonly (typeof life)[number][] = life): BusMessage[] {
  return orderMessages({ firstPosition: first, later }).map((message, index) => ({
    ...message,
    position: first + 2n * BigInt(index),
  }));
}
const keyOf = (messages: readonly BusMessage[]) => messages[0]?.key ?? '';
const broken = (message: BusMessage | undefined): BusMessage => ({
  ...(message as BusMessage),
  headers: { ...message?.headers, [header.type]: 'ordermesh.order.v1.OrderLost' },
});
const byPosition = (a: BusMessage, b: BusMessage) => Number(a.position - b.position);

describe('foldBatch()', () => {
  it('folds several events of an order into one view', () => {
    const messages = order(1n);
    const { changed, dead, parked } = fold(messages);
    expect([...changed.keys()]).toEqual([keyOf(messages)]);
    expect(changed.get(keyOf(messages))?.order).toMatchObject({
      version: 4,
      position: 7n,
      status: OrderStatus.SHIPPED,
      trackingNumber: 'TRACK-1',
    });
    expect({ dead, parked: parked.size }).toEqual({ dead: [], parked: 0 });
  });

  it('goes on from the views that there are, and leaves them as they are', () => {
    const spec = { later: life };
    const messages = orderMessages(spec);
    const views = new Map<string, StoredOrder>();
    for (const stored of storedStates({ orderId: keyOf(messages), later: ['OrderConfirmed'] }))
      views.set(keyOf(messages), stored);
    const { changed } = fold(messages.slice(2), views);
    expect(changed.get(keyOf(messages))?.order.version).toBe(4);
    expect(views.get(keyOf(messages))?.order.version).toBe(2);
  });

  it('puts a message without a position aside and goes on with its order', () => {
    const [created, confirmed, paid] = order(1n) as [BusMessage, BusMessage, BusMessage];
    const headers = { ...confirmed.headers, [header.position]: 'x' };
    const damaged = { ...confirmed, position: -5n, headers };
    const { changed, dead, parked } = fold([created, damaged, confirmed, paid]);
    expect(changed.get(created.key)?.order.version).toBe(3);
    expect(parked.size).toBe(0);
    expect(dead).toEqual([
      expect.objectContaining({
        orderId: created.key,
        position: -5n,
        value: confirmed.value,
        headers,
        errorClass: 'malformed_header',
        detail: 'ordermesh-position "x" is no position',
      }),
    ]);
  });

  it('drops what a view contains already, and what comes twice', () => {
    const messages = order(1n);
    const first = fold(messages);
    const again = fold(messages, first.changed);
    expect({ changed: again.changed.size, dead: again.dead }).toEqual({ changed: 0, dead: [] });
    const doubled = fold(messages.flatMap((message) => [message, message]));
    expect(doubled.changed).toEqual(first.changed);
    expect(doubled.dead).toEqual([]);
  });

  it('parks the order whose event it cannot apply, with all that follow, and goes on with the others', () => {
    const sick = order(1n);
    const well = order(2n);
    const poison = broken(sick[1]);
    const messages = [sick[0] as BusMessage, poison, ...sick.slice(2), ...well].sort(byPosition);
    const { changed, dead, parked } = fold(messages);
    expect(changed.get(keyOf(well))?.order.version).toBe(4);
    expect(changed.get(keyOf(sick))?.order.version).toBe(1);
    expect([...parked]).toEqual([
      [keyOf(sick), expect.objectContaining({ position: 3n, version: 2 })],
    ]);
    expect(dead).toHaveLength(3);
    expect(dead[0]).toMatchObject({
      orderId: keyOf(sick),
      version: 2,
      position: 3n,
      value: poison.value,
      headers: poison.headers,
      errorClass: 'unknown_type',
      attempts: 1,
      parkedAt: now,
    });
    expect(dead.slice(1)).toEqual(
      [5n, 7n].map((position) =>
        expect.objectContaining({
          position,
          errorClass: 'follows',
          attempts: 0,
          detail: expect.stringContaining('position 3'),
        }),
      ),
    );
  });

  it('parks what follows an order that was parked before', () => {
    const messages = order(1n).slice(2);
    const before = new Map([[keyOf(messages), { position: 3n, version: 2 }]]);
    const { changed, dead, parked } = fold(messages, none, before);
    expect(changed.size).toBe(0);
    expect(dead.map(({ errorClass }) => errorClass)).toEqual(['follows', 'follows']);
    expect(parked.size).toBe(0);
  });

  it('parks an order whose view the store refused from its first new event on, and no other', () => {
    const [sick, well] = [order(1n), order(2n)];
    const stored = storedStates({ orderId: keyOf(sick) })[0] as StoredOrder;
    const views = new Map([[keyOf(sick), stored]]);
    const run = [...sick, ...well].sort(byPosition);
    const refused = new Map([[keyOf(sick), 'total is too great']]);
    const { changed, dead, parked } = foldBatch(run, views, none, now, refused);
    expect([...changed.keys()]).toEqual([keyOf(well)]);
    expect(parked.get(keyOf(sick))).toMatchObject({ position: 3n, version: 2 });
    expect(dead.map(({ errorClass }) => errorClass)).toEqual(['refused', 'follows', 'follows']);
    expect(dead[0]?.detail).toBe('total is too great');
  });

  it('parks an order with a gap in its versions', () => {
    const messages = order(1n);
    const { dead, parked } = fold([messages[0] as BusMessage, messages[2] as BusMessage]);
    expect(dead).toEqual([expect.objectContaining({ errorClass: 'invariant', version: 3 })]);
    expect(parked.has(keyOf(messages))).toBe(true);
  });

  it('parks under its key what does not even name an order', () => {
    const [message] = order(1n);
    const nameless = { ...(message as BusMessage), key: 'no uuid' };
    const { dead, parked } = fold([nameless]);
    expect(dead).toEqual([expect.objectContaining({ orderId: 'no uuid' })]);
    expect(parked.has('no uuid')).toBe(true);
  });
});
