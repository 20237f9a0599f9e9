import { specify } from '@ordermesh/event-sourcing/testing';
import { describe, it } from 'vitest';
import * as sample from '../test/samples.ts';
import { MAX_MINOR_UNITS, type OrderEvent, type OrderItem, orderDecider } from './index.ts';

const { created, cup, cupAdded, cupRemoved, moved, paid, teapot, teapots, usd, NOON } = sample;
const order = specify(orderDecider(sample.policy));

const add = (item: OrderItem) => ({ type: 'AddItem', item, now: NOON }) as const;
const remove = (productId: string) => ({ type: 'RemoveItem', productId, now: NOON }) as const;
const move = { type: 'ChangeShippingAddress', now: NOON } as const;

/** An order of these items; what it is said to cost plays no part in its edits. */
const createdWith = (...items: readonly OrderItem[]): OrderEvent => ({ ...created, items });
const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => sample.item(usd(100n), 1, `product-${i}`));

describe('adding an item', () => {
  it('makes a new last line, and says the total after it', () => {
    order.given(created).when(add(cup)).then(cupAdded);
  });

  it('adds to the line of that product at that price, which keeps its name', () => {
    order
      .given(created, cupAdded)
      .when(add({ ...cup, productName: 'Mug', quantity: 4 }))
      .then({
        type: 'OrderItemAdded',
        item: { ...cup, quantity: 5 },
        addedQuantity: 4,
        total: usd(4000n),
      });
  });

  it('refuses a product at another price than the order has it at', () => {
    order
      .given(created)
      .when(add(sample.item(usd(1300n))))
      .thenRejected({
        reason: 'ITEM_PRICE_CONFLICT',
        message:
          'The order has this product at 12.50 USD; add it at that price instead of 13.00 USD, or remove it first.',
        details: { currencyCode: 'USD', expected: '1250', actual: '1300' },
      });
  });

  it('takes either price of a product that was ordered at two', () => {
    const dear = sample.item(usd(1300n), 3);
    order
      .given(createdWith(...teapots, dear))
      .when(add(sample.item(usd(1300n))))
      .then({
        type: 'OrderItemAdded',
        item: { ...dear, quantity: 4 },
        addedQuantity: 1,
        total: usd(7700n),
      });
  });

  it('refuses another currency than the order’s', () => {
    order
      .given(created)
      .when(add({ ...cup, unitPrice: { currencyCode: 'EUR', minorUnits: 300n } }))
      .thenRejected({
        reason: 'CURRENCY_MISMATCH',
        message: 'The item is priced in EUR; it must be in USD like the order.',
        details: { expected: 'USD', actual: 'EUR' },
      });
  });

  it('lets a line grow to 10,000 and no further', () => {
    const many = { ...cup, quantity: 9_999 };
    order
      .given(createdWith(many))
      .when(add(cup))
      .then({
        type: 'OrderItemAdded',
        item: { ...cup, quantity: 10_000 },
        addedQuantity: 1,
        total: usd(3_000_000n),
      });
    order
      .given(createdWith(many))
      .when(add({ ...cup, quantity: 2 }))
      .thenRejected({
        reason: 'INVALID_REQUEST',
        fault: { field: 'item.quantity', rule: 'int32.gte_lte' },
        details: { maximum: '10000', actual: '10001' },
      });
  });

  it('lets an order grow to 100 lines and no further, while its lines may', () => {
    order
      .given(createdWith(...lines(99)))
      .when(add(cup))
      .then({ ...cupAdded, total: usd(10_200n) });
    const full = order.given(createdWith(...lines(100)));
    full.when(add(cup)).thenRejected({
      reason: 'INVALID_REQUEST',
      fault: { field: 'item', rule: 'repeated.max_items' },
      details: { maximum: '100', actual: '101' },
    });
    full.when(add(sample.item(usd(100n), 1, 'product-99'))).then({
      type: 'OrderItemAdded',
      item: sample.item(usd(100n), 2, 'product-99'),
      addedQuantity: 1,
      total: usd(10_100n),
    });
  });

  it('refuses a total beyond 64 bits', () => {
    order
      .given(created)
      .when(add({ ...cup, unitPrice: usd(MAX_MINOR_UNITS) }))
      .thenRejected({ reason: 'ORDER_TOTAL_INVALID' });
  });

  it('refuses a total that is still below a minimum raised since', () => {
    const dear = { ...sample.policy, minimums: new Map([['USD', 5_000n]]) };
    specify(orderDecider(dear))
      .given(created)
      .when(add(cup))
      .thenRejected({
        reason: 'ORDER_BELOW_MINIMUM',
        details: { currencyCode: 'USD', actual: '2800', minimum: '5000' },
      });
  });
});

describe('removing an item', () => {
  it('removes the product, and says how many there were and the total after it', () => {
    order.given(created, cupAdded).when(remove(cup.productId)).then(cupRemoved);
  });

  it('removes every line of the product', () => {
    order
      .given(createdWith(...teapots, sample.item(usd(1300n), 3), { ...cup, quantity: 10 }))
      .when(remove(teapot))
      .then({
        type: 'OrderItemRemoved',
        productId: teapot,
        removedQuantity: 5,
        total: usd(3000n),
      });
  });

  it('does not find a product that is not there, nor one that was removed', () => {
    order.given(created).when(remove(cup.productId)).thenRejected({ reason: 'ITEM_NOT_FOUND' });
    order
      .given(created, cupAdded, cupRemoved)
      .when(remove(cup.productId))
      .thenRejected({ reason: 'ITEM_NOT_FOUND', details: {} });
  });

  it('keeps the last product, in however many lines', () => {
    order.given(created).when(remove(teapot)).thenRejected({
      reason: 'ORDER_EMPTY',
      message:
        'The order has nothing but this product; it must keep at least one item, or be cancelled.',
    });
    order
      .given(createdWith(...teapots, sample.item(usd(1300n))))
      .when(remove(teapot))
      .thenRejected({ reason: 'ORDER_EMPTY' });
  });

  it('keeps the minimum, and a total above zero', () => {
    order
      .given(created, cupAdded)
      .when(remove(teapot))
      .thenRejected({
        reason: 'ORDER_BELOW_MINIMUM',
        details: { currencyCode: 'USD', actual: '300', minimum: '1000' },
      });
    order
      .given(createdWith(...teapots, { ...cup, unitPrice: usd(0n) }))
      .when(remove(teapot))
      .thenRejected({ reason: 'ORDER_TOTAL_INVALID' });
  });
});

describe('changing the shipping address', () => {
  it('is a fact also when it is the address that the order has', () => {
    order
      .given(created)
      .when({ ...move, shippingAddress: sample.elsewhere })
      .then(moved);
    order
      .given(created, moved)
      .when({ ...move, shippingAddress: sample.elsewhere })
      .then(moved);
  });
});

describe('order of checks of an edit', () => {
  const euro = { currencyCode: 'EUR', minorUnits: MAX_MINOR_UNITS };

  it('status comes before everything else', () => {
    order
      .given(created, paid)
      .when(add({ ...cup, unitPrice: euro }))
      .thenRejected({ reason: 'ORDER_NOT_PENDING' });
    order
      .given(created, paid)
      .when(remove(cup.productId))
      .thenRejected({ reason: 'ORDER_NOT_PENDING' });
  });

  it('currency comes before price, price before limits, limits before the total', () => {
    order
      .given(created)
      .when(add({ ...sample.item(euro), quantity: 10_000 }))
      .thenRejected({ reason: 'CURRENCY_MISMATCH' });
    order
      .given(createdWith(...teapots, ...lines(99)))
      .when(add(sample.item(usd(MAX_MINOR_UNITS), 10_000)))
      .thenRejected({ reason: 'ITEM_PRICE_CONFLICT' });
    order
      .given(createdWith(...lines(100)))
      .when(add({ ...cup, unitPrice: usd(MAX_MINOR_UNITS), quantity: 10_000 }))
      .thenRejected({ reason: 'INVALID_REQUEST' });
  });

  it('an order is paid with the total that its last edit left', () => {
    const pay = (minorUnits: bigint) =>
      ({ type: 'PayOrder', paymentId: 'pay-1', amount: usd(minorUnits), now: NOON }) as const;
    order
      .given(created, cupAdded)
      .when(pay(2500n))
      .thenRejected({ reason: 'PAYMENT_AMOUNT_MISMATCH' });
    order.given(created, cupAdded, cupRemoved).when(pay(2500n)).then(paid);
  });
});
