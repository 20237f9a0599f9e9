import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SearchOrders } from '../order-view-reader.ts';
import { itemAdded, itemRemoved } from './order-messages.ts';
import { storedStates } from './stored-orders.ts';
import { never, type OpenViewStore, put, type ViewStore } from './view-store.ts';

/** What an edited order is found by: what it has now, and nothing that it had. */
export function editRules(open: OpenViewStore): void {
  describe('edits', () => {
    let store: ViewStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store[Symbol.asyncDispose]());

    const states = storedStates({
      items: ['Lamp'],
      later: [
        itemAdded(4300n, { productName: 'Quartz chair' }),
        itemAdded(4400n, { productName: 'Quartz chair', quantity: 2 }),
        'ShippingAddressChanged',
        itemRemoved(4200n),
      ],
    });
    const other = storedStates({ items: ['Lamp'], total: 4250n }).slice(-1);
    const [orderId, otherId] = [states[0]?.order.orderId, other[0]?.order.orderId];

    const names = new Map([
      [orderId, 'edited'],
      [otherId, 'other'],
    ]);
    const found = async (request: Partial<SearchOrders>) => {
      const page = await store.reader.search(
        { owner: undefined, orderBy: 'total', limit: 10, ...request },
        never,
      );
      return page.orders.map((order) => names.get(order.orderId));
    };
    const EUR = { currencyCode: 'EUR' };

    test('move an order in searches by words and totals, at every version', async () => {
      await put(store, other);
      const seen: unknown[] = [];
      for (const state of states) {
        await put(store, [state]);
        expect(await store.reader.get(orderId ?? '', undefined, never)).toEqual(state);
        seen.push([
          state.order.total?.minorUnits,
          await found({ query: 'quartz' }),
          await found({ ...EUR, minTotal: 4300n }),
          await found({ ...EUR, maxTotal: 4399n }),
          await found({ query: 'lamp' }),
        ]);
      }
      expect(seen).toEqual([
        [4200n, [], [], ['edited', 'other'], ['edited', 'other']],
        [4300n, ['edited'], ['edited'], ['other', 'edited'], ['other', 'edited']],
        [4400n, ['edited'], ['edited'], ['other'], ['other', 'edited']],
        [4400n, ['edited'], ['edited'], ['other'], ['other', 'edited']],
        [4200n, [], [], ['edited', 'other'], ['edited', 'other']],
      ]);
    });

    test('of 300 keep a view of 100 lines whole', async () => {
      const products = Array.from({ length: 99 }, () => randomUUID());
      const [first] = storedStates();
      const later = Array.from({ length: 300 }, (_, i) =>
        itemAdded(4300n + BigInt(i), {
          productId: products[i % products.length] as string,
          productName: `Product ${i % products.length}`,
          quantity: 1 + Math.floor(i / products.length),
        }),
      );
      const longest = storedStates({ orderId: first?.order.orderId ?? '', later }).at(-1);
      if (!first || !longest) throw new Error('no states');
      await put(store, [first]);
      await put(store, [longest]);
      const stored = await store.reader.get(longest.order.orderId, undefined, never);
      expect(stored).toEqual(longest);
      expect(stored?.order).toMatchObject({ version: 301, total: { minorUnits: 4599n } });
      const lines = stored?.order.items.map((one) => `${one.quantity} ${one.productName}`);
      expect(lines).toHaveLength(100);
      expect(lines?.slice(-1)).toEqual(['3 Product 98']);
      expect(lines?.slice(1, 5)).toEqual([
        '4 Product 0',
        '4 Product 1',
        '4 Product 2',
        '3 Product 3',
      ]);
    });
  });
}
