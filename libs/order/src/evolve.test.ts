import { describe, expect, it } from 'vitest';
import * as sample from '../test/samples.ts';
import {
  CorruptStreamError,
  evolve,
  fold,
  type OrderEvent,
  type OrderState,
  type OrderStatus,
} from './index.ts';

const { created, confirmed, paid, shipped, delivered, cancelled, historyOf } = sample;
const { cup, cupAdded, cupRemoved, moved, item, teapot, teapots, usd } = sample;
const teapotsRemoved: OrderEvent = { ...cupRemoved, productId: teapot };

const corruption = (fn: () => unknown) => {
  try {
    fn();
  } catch (error) {
    if (error instanceof CorruptStreamError) return [error.reason, error.version, error.message];
    throw error;
  }
  return undefined;
};

describe('evolve()', () => {
  it('starts an order as PENDING at version 1 with what was created', () => {
    expect(evolve(undefined, created)).toEqual({
      version: 1,
      status: 'PENDING',
      customerId: created.customerId,
      items: created.items,
      total: created.total,
      estimatedDeliveryAt: created.estimatedDeliveryAt,
    } satisfies OrderState);
  });

  it('changes nothing but status and version afterwards, and never the state it was given', () => {
    const before = Object.freeze(evolve(undefined, created));
    expect(evolve(before, paid)).toEqual({ ...before, version: 2, status: 'PAID' });
    expect(before.status).toBe('PENDING');
  });

  it('sets items and total as an addition says them: a new last line, or one in its place', () => {
    const other = { ...item(usd(300n), 2), productName: 'Small teapot' };
    const before = Object.freeze(evolve(undefined, { ...created, items: [...teapots, other] }));
    const after = evolve(before, cupAdded);
    expect(after).toEqual({
      ...before,
      version: 2,
      items: [...teapots, other, cup],
      total: usd(2800n),
    });
    // Of a product at two prices it is the line of that price.
    const more = { ...other, quantity: 7 };
    const next = evolve(after, {
      type: 'OrderItemAdded',
      item: more,
      addedQuantity: 5,
      total: usd(1n),
    });
    expect(next).toMatchObject({ items: [...teapots, more, cup], total: usd(1n) });
    expect(before.items).toEqual([...teapots, other]);
  });

  it('removes every line of a product', () => {
    const before = fold([{ ...created, items: [cup, ...teapots, { ...cup, quantity: 4 }] }]);
    expect(evolve(before, cupRemoved)).toEqual({
      ...before,
      version: 2,
      items: teapots,
      total: usd(2500n),
    });
  });

  it('refuses the removal of a product that is not there', () => {
    expect(corruption(() => evolve(fold([created, moved]), cupRemoved))?.slice(0, 2)).toEqual([
      'TRANSITION_INVALID',
      3,
    ]);
  });

  const later: readonly OrderEvent[] = [
    ...[confirmed, paid, shipped, delivered, cancelled],
    ...[cupAdded, teapotsRemoved, moved],
  ];
  /** `from status + event`: the status it leads to. Whatever is missing here is corrupt. */
  const legal: Readonly<Record<string, OrderStatus>> = {
    'PENDING OrderConfirmed': 'CONFIRMED',
    'PENDING OrderPaid': 'PAID',
    'PENDING OrderCancelled': 'CANCELLED',
    'PENDING OrderItemAdded': 'PENDING',
    'PENDING OrderItemRemoved': 'PENDING',
    'PENDING ShippingAddressChanged': 'PENDING',
    'CONFIRMED OrderPaid': 'PAID',
    'CONFIRMED OrderCancelled': 'CANCELLED',
    'PAID OrderShipped': 'SHIPPED',
    'PAID OrderCancelled': 'CANCELLED',
    'SHIPPED OrderDelivered': 'DELIVERED',
    'SHIPPED OrderCancelled': 'CANCELLED',
  };
  const statuses = Object.keys(historyOf) as OrderStatus[];

  it.each(
    statuses.flatMap((status) =>
      [created, ...later].map((event) => {
        const to = legal[`${status} ${event.type}`];
        return [status, event.type, to ?? 'corruption', event, to] as const;
      }),
    ),
  )('%s and %s make %s', (status, type, _title, event, to) => {
    const history = historyOf[status];
    const next = () => evolve(fold(history), event);
    if (to !== undefined) {
      expect(next()).toMatchObject({ status: to, version: history.length + 1 });
    } else {
      const version = history.length + 1;
      expect(corruption(next)).toEqual([
        'TRANSITION_INVALID',
        version,
        `event ${version} is ${type} on an order that is ${status}`,
      ]);
    }
  });

  it.each(later)('refuses $type as the first event', (event) => {
    expect(corruption(() => evolve(undefined, event))).toEqual([
      'FIRST_EVENT_INVALID',
      1,
      `event 1 is ${event.type}, not OrderCreated`,
    ]);
  });

  it('refuses an event of an unknown type instead of skipping it', () => {
    const unknown = { type: 'OrderTeleported' } as unknown as OrderEvent;
    expect(corruption(() => fold([created, unknown]))?.slice(0, 2)).toEqual([
      'TRANSITION_INVALID',
      2,
    ]);
  });
});

describe('fold()', () => {
  it('refuses an empty stream', () => {
    expect(corruption(() => fold([]))?.slice(0, 2)).toEqual(['EVENT_STREAM_EMPTY', 0]);
  });

  it('refuses a stream that does not begin with its creation', () => {
    expect(corruption(() => fold([paid, created]))?.slice(0, 2)).toEqual([
      'FIRST_EVENT_INVALID',
      1,
    ]);
  });

  it('refuses a second creation', () => {
    expect(corruption(() => fold([created, created]))?.slice(0, 2)).toEqual([
      'TRANSITION_INVALID',
      2,
    ]);
  });

  it('names the version of the first event that does not fit', () => {
    const history = [created, confirmed, paid, confirmed, delivered];
    expect(corruption(() => fold(history))?.slice(0, 2)).toEqual(['TRANSITION_INVALID', 4]);
  });

  it('counts versions from 1', () => {
    expect(fold(historyOf.DELIVERED)).toMatchObject({ version: 5, status: 'DELIVERED' });
  });

  it('throws an error that tells which it is', () => {
    expect(() => fold([])).toThrow(CorruptStreamError);
    expect(() => fold([])).toThrow(expect.objectContaining({ name: 'CorruptStreamError' }));
  });
});
