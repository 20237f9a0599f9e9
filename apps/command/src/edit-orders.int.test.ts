import { randomUUID } from 'node:crypto';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  eventSchemas,
  isEventType,
  type OrderEvent,
  type OrderItemAdded,
  OrderStatus,
} from '@ordermesh/contract';
import { describe, expect, it } from 'vitest';
import { item, orderRequest, placed, refusal, rpc } from '../test/serve-command.ts';
import { command } from '../test/served-log.ts';

const usd = (minorUnits: bigint) => ({ currencyCode: 'USD', minorUnits });
const address = {
  recipient: 'Grace Hopper',
  line1: '1 Harbour Street',
  line2: '',
  city: 'Bristol',
  region: '',
  postalCode: 'BS1 1AA',
  countryCode: 'GB',
};

type Item = Omit<ReturnType<typeof item>, 'productId'> & { readonly productId: string };

const add = (orderId: string, what: Item = item(300n), fields: object = {}) =>
  command.call(rpc.addItem, { orderId, item: what, ...fields });
const remove = (orderId: string, productId: string, fields: object = {}) =>
  command.call(rpc.removeItem, { orderId, productId, ...fields });
const move = (orderId: string, fields: object = {}) =>
  command.call(rpc.changeShippingAddress, { orderId, shippingAddress: address, ...fields });

type Edit = (orderId: string, fields?: object) => Promise<unknown>;
const edits: [string, Edit][] = [
  ['AddItem', (orderId, fields) => add(orderId, item(300n), fields)],
  ['RemoveItem', (orderId, fields) => remove(orderId, randomUUID(), fields)],
  ['ChangeShippingAddress', move],
];

const unpacked = ({ type, data }: OrderEvent) =>
  isEventType(type) && data ? anyUnpack(data, eventSchemas[type]) : undefined;
const historyOf = async (orderId: string) => {
  const events: OrderEvent[] = [];
  for (let pageToken = ''; ; ) {
    const page = await command.call(rpc.listOrderEvents, { orderId, pageSize: 100, pageToken });
    events.push(...page.message.events);
    pageToken = page.message.nextPageToken;
    if (pageToken === '') return events;
  }
};

describe('edits of a pending order', () => {
  it('answer version, total, etag and token, and are kept as what is from then on', async () => {
    const orderId = await placed(command);
    const cup = item(300n, 2);
    const answers = [
      await add(orderId, cup),
      await add(orderId, { ...cup, quantity: 3, productId: cup.productId.toUpperCase() }),
      await move(orderId),
      await move(orderId),
      await remove(orderId, cup.productId.toUpperCase()),
    ];
    const seen = answers.map(({ message, headers }) => [
      message.order?.version,
      message.order?.total?.minorUnits,
      headers.get('etag'),
      headers.get('consistency-token') === message.consistencyToken,
    ]);
    expect(seen).toEqual([
      [2, 3100n, '"2"', true],
      [3, 4000n, '"3"', true],
      [4, 4000n, '"4"', true],
      [5, 4000n, '"5"', true],
      [6, 2500n, '"6"', true],
    ]);
    expect(answers.every(({ message }) => message.order?.status === OrderStatus.PENDING)).toBe(
      true,
    );
    const [, ...events] = await historyOf(orderId);
    expect(events.map(unpacked)).toMatchObject([
      { item: { ...cup, quantity: 2 }, addedQuantity: 2, total: usd(3100n) },
      { item: { ...cup, quantity: 5 }, addedQuantity: 3, total: usd(4000n) },
      { shippingAddress: address },
      { shippingAddress: address },
      { productId: cup.productId, removedQuantity: 5, total: usd(2500n) },
    ]);
  });

  it.each(edits)('%s is refused once the order is confirmed', async (_, edit) => {
    const orderId = await placed(command);
    await command.call(rpc.confirmOrder, { orderId });
    expect(await refusal(edit(orderId))).toMatchObject({
      reason: 'ORDER_NOT_PENDING',
      code: 'FAILED_PRECONDITION',
      metadata: { currentStatus: 'CONFIRMED', allowed: 'PENDING' },
      resource: { type: 'order', name: orderId },
    });
    expect(await historyOf(orderId)).toHaveLength(2);
  });

  it.each(edits)(
    '%s on a version that is no more is a conflict, before the rules',
    async (_, edit) => {
      const orderId = await placed(command);
      await command.call(rpc.confirmOrder, { orderId });
      expect(await refusal(edit(orderId, { expectedVersion: 1 }))).toMatchObject({
        reason: 'VERSION_CONFLICT',
        metadata: { expectedVersion: '1', actualVersion: '2' },
      });
    },
  );

  it.each(edits)('%s of no order finds none, with an expected version too', async (_, edit) => {
    for (const fields of [{}, { expectedVersion: 3 }])
      expect(await refusal(edit(randomUUID(), fields))).toMatchObject({
        reason: 'ORDER_NOT_FOUND',
        code: 'NOT_FOUND',
      });
  });

  it.each<[string, Edit, object]>([
    [
      'another currency',
      (orderId) => add(orderId, item(300n, 1, 'EUR')),
      { reason: 'CURRENCY_MISMATCH', code: 'FAILED_PRECONDITION' },
    ],
    [
      'a total beyond 64 bits',
      (orderId) => add(orderId, item(2n ** 63n - 1n)),
      { reason: 'ORDER_TOTAL_INVALID', code: 'INVALID_ARGUMENT' },
    ],
    [
      'a product that is not there',
      (orderId) => remove(orderId, randomUUID()),
      { reason: 'ITEM_NOT_FOUND', code: 'NOT_FOUND' },
    ],
  ])('refuse %s', async (_, edit, expected) => {
    const orderId = await placed(command);
    expect(await refusal(edit(orderId))).toMatchObject(expected);
    expect(await historyOf(orderId)).toHaveLength(1);
  });

  it('refuse what contradicts the order as its state’s fault', async () => {
    const tea = item(1250n, 2);
    const request = orderRequest({ items: [tea] });
    const { orderId } = request;
    await command.call(rpc.createOrder, request);
    expect(await refusal(add(orderId, { ...tea, unitPrice: usd(1300n) }))).toMatchObject({
      reason: 'ITEM_PRICE_CONFLICT',
      code: 'FAILED_PRECONDITION',
      metadata: { currencyCode: 'USD', expected: '1250', actual: '1300' },
    });
    expect(await refusal(remove(orderId, tea.productId))).toMatchObject({
      reason: 'ORDER_EMPTY',
      code: 'FAILED_PRECONDITION',
    });
    await add(orderId, item(300n));
    expect(await refusal(remove(orderId, tea.productId))).toMatchObject({
      reason: 'ORDER_BELOW_MINIMUM',
      code: 'FAILED_PRECONDITION',
      metadata: { actual: '300', minimum: '1000' },
    });
  });

  it('refuse what would be too much together, naming the field', async () => {
    const many = item(1n, 10_000);
    const request = orderRequest({ items: [many] });
    await command.call(rpc.createOrder, request);
    expect(await refusal(add(request.orderId, { ...many, quantity: 1 }))).toMatchObject({
      reason: 'INVALID_REQUEST',
      code: 'INVALID_ARGUMENT',
      fields: [{ field: 'item.quantity', reason: 'int32.gte_lte' }],
      metadata: { maximum: '10000', actual: '10001' },
    });
    const full = orderRequest({ items: Array.from({ length: 100 }, () => item(100n)) });
    await command.call(rpc.createOrder, full);
    expect(await refusal(add(full.orderId))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'item', reason: 'repeated.max_items' }],
      metadata: { maximum: '100', actual: '101' },
    });
  });

  it.each<[string, Edit, string]>([
    ['no item', (orderId) => command.call(rpc.addItem, { orderId }), 'item'],
    ['none of an item', (orderId) => add(orderId, item(300n, 0)), 'item.quantity'],
    ['10,001 of an item', (orderId) => add(orderId, item(300n, 10_001)), 'item.quantity'],
    ['a price below zero', (orderId) => add(orderId, item(-1n)), 'item.unit_price'],
    [
      'a name with U+0000',
      (orderId) => add(orderId, { ...item(1n), productName: 'a\0' }),
      'item.product_name',
    ],
    ['a product that is no UUID', (orderId) => remove(orderId, 'tea'), 'product_id'],
    ['no address', (orderId) => move(orderId, { shippingAddress: undefined }), 'shipping_address'],
    [
      'an address with U+0000',
      (orderId) => move(orderId, { shippingAddress: { ...address, line2: 'a\0' } }),
      'shipping_address.line2',
    ],
    ['version 0', (orderId) => move(orderId, { expectedVersion: 0 }), 'expected_version'],
  ])('refuse %s', async (_, edit, field) => {
    const error = await refusal(edit(await placed(command)));
    expect(error).toMatchObject({ reason: 'INVALID_REQUEST', code: 'INVALID_ARGUMENT' });
    expect(error.fields).toContainEqual(expect.objectContaining({ field }));
  });

  it('happen once per idempotency key, and answer as they first did after the order moved on', async () => {
    const orderId = await placed(command);
    const headers = { 'idempotency-key': randomUUID() };
    const cup = item(300n);
    const send = (quantity = 1) =>
      command.call(rpc.addItem, { orderId, item: { ...cup, quantity } }, { metadata: headers });
    const [first, second] = await Promise.all([send(), send()]);
    expect(second?.message).toEqual(first?.message);
    await command.call(rpc.confirmOrder, { orderId });
    expect((await send()).message).toEqual(first?.message);
    expect(await refusal(send(2))).toMatchObject({ reason: 'IDEMPOTENCY_KEY_REUSED' });
    expect((await historyOf(orderId)).map(({ type }) => type)).toEqual([
      'OrderCreated',
      'OrderItemAdded',
      'OrderConfirmed',
    ]);
  });

  it('of 20 callers at once all count, each on what was before it', async () => {
    const orderId = await placed(command);
    const cup = item(300n);
    // Who names no version is decided anew on the order as it is; three times, so later ones come again.
    const adding = async (): Promise<void> => {
      const error = await add(orderId, cup).then(
        () => undefined,
        (thrown: { reason?: string }) => thrown,
      );
      if (error === undefined) return;
      expect(error).toMatchObject({ reason: 'VERSION_CONFLICT' });
      return adding();
    };
    await Promise.all(Array.from({ length: 20 }, adding));
    const [, ...events] = await historyOf(orderId);
    const quantities = events.map((event) => (unpacked(event) as OrderItemAdded).item?.quantity);
    expect(quantities).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    const last = unpacked(events[19] as OrderEvent) as OrderItemAdded;
    expect(last.total).toMatchObject(usd(2500n + 20n * 300n));
  });

  it('of 300 in a row leave the order, its total and its history right', async () => {
    const orderId = await placed(command);
    const products = Array.from({ length: 60 }, () => item(100n));
    let total = 2500n;
    for (let i = 0; i < 300; i += 1) {
      const product = products[i % 60] as (typeof products)[number];
      // In every fifth round the products go again.
      const gone = i >= 240;
      const { message } = gone
        ? await remove(orderId, product.productId)
        : await add(orderId, product);
      total += gone ? -400n : 100n;
      expect([message.order?.version, message.order?.total?.minorUnits]).toEqual([i + 2, total]);
    }
    const events = await historyOf(orderId);
    expect(events.map(({ version }) => version)).toEqual(
      Array.from({ length: 301 }, (_, i) => i + 1),
    );
    expect(unpacked(events[240] as OrderEvent)).toMatchObject({
      item: { quantity: 4 },
      total: usd(26_500n),
    });
    const paid = await command.call(rpc.payOrder, { orderId, paymentId: 'p', amount: usd(2500n) });
    expect(paid.message.order).toMatchObject({ version: 302, status: OrderStatus.PAID });
  });
});
