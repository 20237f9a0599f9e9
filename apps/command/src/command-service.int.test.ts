import { randomUUID } from 'node:crypto';
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { decodeConsistencyTokens, OrderStatus, partitionOf } from '@ordermesh/contract';
import { describe, expect, it } from 'vitest';
import { item, orderRequest, partitions, placed, refusal, rpc } from '../test/serve-command.ts';
import { command } from '../test/served-log.ts';

const total = { currencyCode: 'USD', minorUnits: 2500n };
const payment = (amount = total) => ({ paymentId: 'pay-1', amount });
type Step = 'confirmOrder' | 'payOrder' | 'shipOrder' | 'deliverOrder' | 'cancelOrder';
const fieldsOf: Record<Step, object> = {
  confirmOrder: {},
  payOrder: payment(),
  shipOrder: { trackingNumber: 'TRACK-1' },
  deliverOrder: {},
  cancelOrder: { reason: 'changed my mind' },
};
const run = (step: Step, orderId: string, fields: object = {}) =>
  command.call(rpc[step], { orderId, ...fieldsOf[step], ...fields } as never);

async function orderAfter(...steps: readonly Step[]): Promise<string> {
  const orderId = await placed(command);
  for (const step of steps) await run(step, orderId);
  return orderId;
}

const eventsOf = async (orderId: string) =>
  (await command.store.readHistory(orderId, 0, 100)).map(({ type }) => type);

describe('CreateOrder', () => {
  it('answers order, version, total, promise and where the write is', async () => {
    const request = orderRequest();
    const { message, headers } = await command.call(rpc.createOrder, request);
    const [stored] = await command.store.readHistory(request.orderId, 0, 10);
    expect(message.order).toMatchObject({
      orderId: request.orderId,
      version: 1,
      status: OrderStatus.PENDING,
      total,
    });
    const promised = timestampMs(message.order?.estimatedDeliveryAt as Timestamp);
    expect(promised - Number(stored?.occurredAt)).toBe(5 * 86_400_000);
    expect(headers.get('etag')).toBe('"1"');
    expect(headers.get('consistency-token')).toBe(message.consistencyToken);
    const partition = partitionOf(request.orderId, partitions);
    expect(decodeConsistencyTokens([message.consistencyToken])).toEqual([
      { partition, position: stored?.position },
    ]);
  });

  it('makes an id for those who bring none', async () => {
    const { message } = await command.call(rpc.createOrder, orderRequest({ orderId: '' }));
    const orderId = message.order?.orderId ?? '';
    expect(orderId).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(await eventsOf(orderId)).toEqual(['OrderCreated']);
  });

  it('takes an id in any case, and answers it in lower case', async () => {
    const orderId = randomUUID();
    const request = orderRequest({ orderId: orderId.toUpperCase() });
    const { message } = await command.call(rpc.createOrder, request);
    expect(message.order?.orderId).toBe(orderId);
    expect((await run('confirmOrder', orderId.toUpperCase())).message.order?.version).toBe(2);
  });

  it('keeps who asked, by which service', async () => {
    const orderId = await placed(command);
    const [stored] = await command.store.readHistory(orderId, 0, 1);
    expect(stored?.actor).toEqual({ subject: 'anonymous', service: 'ordermesh-test' });
  });

  it.each([
    ['ORDER_EMPTY', [], {}],
    ['ORDER_TOTAL_INVALID', [item(0n)], { minimum: '1' }],
    ['ORDER_BELOW_MINIMUM', [item(999n)], { minimum: '1000', currencyCode: 'USD' }],
    ['CURRENCY_MISMATCH', [item(1000n), item(1000n, 1, 'EUR')], { expected: 'USD', actual: 'EUR' }],
  ])('refuses with %s as the request’s fault, and stores nothing', async (reason, items, facts) => {
    const request = orderRequest({ items });
    const error = await refusal(command.call(rpc.createOrder, request));
    expect(error).toMatchObject({ reason, code: 'INVALID_ARGUMENT' });
    expect(error.metadata).toMatchObject(facts);
    expect(await eventsOf(request.orderId)).toEqual([]);
  });

  it.each([
    ['an id that is no UUID', { orderId: 'x' }, 'order_id'],
    ['no customer', { customerId: '' }, 'customer_id'],
    ['a quantity of zero', { items: [item(1000n, 0)] }, 'items[0].quantity'],
    ['an expected version other than 0', { expectedVersion: 1 }, 'expected_version'],
    ['U+0000', { items: [{ ...item(1000n), productName: 'a\0' }] }, 'items[0].product_name'],
  ])('refuses %s and names the field', async (_, changes, field) => {
    const error = await refusal(command.call(rpc.createOrder, orderRequest(changes)));
    expect(error).toMatchObject({ reason: 'INVALID_REQUEST', code: 'INVALID_ARGUMENT' });
    expect(error.fields).toContainEqual(expect.objectContaining({ field }));
  });

  it('refuses a taken id: ORDER_ALREADY_EXISTS, or VERSION_CONFLICT for who expects none', async () => {
    const orderId = await orderAfter('confirmOrder');
    const again = orderRequest({ orderId });
    expect(await refusal(command.call(rpc.createOrder, again))).toMatchObject({
      reason: 'ORDER_ALREADY_EXISTS',
      code: 'ALREADY_EXISTS',
      resource: { type: 'order', name: orderId },
    });
    const expecting = { ...again, expectedVersion: 0 };
    expect(await refusal(command.call(rpc.createOrder, expecting))).toMatchObject({
      reason: 'VERSION_CONFLICT',
      code: 'ABORTED',
      metadata: { expectedVersion: '0', actualVersion: '2' },
    });
  });

  it('takes expected version 0 for a free id', async () => {
    const { message } = await command.call(rpc.createOrder, orderRequest({ expectedVersion: 0 }));
    expect(message.order?.version).toBe(1);
  });

  it('lets exactly one of many simultaneous callers have an id', async () => {
    const request = orderRequest();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => command.call(rpc.createOrder, request)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = outcomes.flatMap((one) =>
      one.status === 'rejected' ? [one.reason.reason] : [],
    );
    expect(new Set(reasons)).toEqual(new Set(['ORDER_ALREADY_EXISTS']));
    expect(await eventsOf(request.orderId)).toEqual(['OrderCreated']);
  });
});

describe('the other commands', () => {
  it('lead an order through its life, each with version, status, etag and token', async () => {
    const orderId = await placed(command);
    const life: [Step, OrderStatus][] = [
      ['confirmOrder', OrderStatus.CONFIRMED],
      ['payOrder', OrderStatus.PAID],
      ['shipOrder', OrderStatus.SHIPPED],
      ['deliverOrder', OrderStatus.DELIVERED],
    ];
    for (const [index, [step, status]] of life.entries()) {
      const version = index + 2;
      const { message, headers } = await run(step, orderId);
      expect(message.order).toMatchObject({ orderId, version, status, total });
      expect(message.order?.estimatedDeliveryAt).toBeDefined();
      expect(headers.get('etag')).toBe(`"${version}"`);
      expect(headers.get('consistency-token')).toBe(message.consistencyToken);
      const stored = await command.store.readHistory(orderId, version - 1, 1);
      expect(decodeConsistencyTokens([message.consistencyToken])).toEqual([
        { partition: partitionOf(orderId, partitions), position: stored[0]?.position },
      ]);
    }
    expect(await eventsOf(orderId)).toEqual([
      'OrderCreated',
      'OrderConfirmed',
      'OrderPaid',
      'OrderShipped',
      'OrderDelivered',
    ]);
  });

  it('cancel an order, and keep what each said', async () => {
    const orderId = await orderAfter('payOrder', 'shipOrder', 'cancelOrder');
    const events = await command.store.readHistory(orderId, 1, 10);
    expect(events.map(({ data }) => JSON.parse(data))).toEqual([
      { paymentId: 'pay-1', amount: { currencyCode: 'USD', minorUnits: '2500' } },
      { trackingNumber: 'TRACK-1' },
      { reason: 'changed my mind' },
    ]);
  });

  const mismatch = (amount: typeof total) => payment(amount);
  it.each<[string, Step[], Step, object, object]>([
    ['ORDER_NOT_PENDING', ['confirmOrder'], 'confirmOrder', {}, { currentStatus: 'CONFIRMED' }],
    ['ORDER_NOT_PENDING', ['payOrder'], 'payOrder', {}, { currentStatus: 'PAID' }],
    ['ORDER_NOT_PAID', [], 'shipOrder', {}, { currentStatus: 'PENDING', allowed: 'PAID' }],
    ['ORDER_NOT_SHIPPED', ['payOrder'], 'deliverOrder', {}, { currentStatus: 'PAID' }],
    [
      'ORDER_NOT_CANCELLABLE',
      ['payOrder', 'shipOrder', 'deliverOrder'],
      'cancelOrder',
      {},
      { currentStatus: 'DELIVERED' },
    ],
    ['ORDER_ALREADY_CANCELLED', ['cancelOrder'], 'cancelOrder', {}, { currentStatus: 'CANCELLED' }],
    [
      'PAYMENT_AMOUNT_MISMATCH',
      [],
      'payOrder',
      mismatch({ currencyCode: 'USD', minorUnits: 2499n }),
      { expected: '2500', actual: '2499' },
    ],
    [
      'CURRENCY_MISMATCH',
      [],
      'payOrder',
      mismatch({ currencyCode: 'EUR', minorUnits: 2500n }),
      { expected: 'USD', actual: 'EUR' },
    ],
  ])(
    'refuse with %s after %j %s as the order’s state',
    async (reason, steps, step, fields, facts) => {
      const orderId = await orderAfter(...steps);
      const error = await refusal(run(step, orderId, fields));
      expect(error).toMatchObject({
        reason,
        code: 'FAILED_PRECONDITION',
        resource: { type: 'order', name: orderId },
      });
      expect(error.metadata).toMatchObject(facts);
      expect(await eventsOf(orderId)).toHaveLength(steps.length + 1);
    },
  );

  it('take the expected version, and refuse another one before any rule', async () => {
    const orderId = await orderAfter('confirmOrder');
    // Confirming it again would be refused by its state, too.
    const error = await refusal(run('confirmOrder', orderId, { expectedVersion: 1 }));
    expect(error).toMatchObject({
      reason: 'VERSION_CONFLICT',
      code: 'ABORTED',
      metadata: { expectedVersion: '1', actualVersion: '2' },
      resource: { type: 'order', name: orderId },
    });
    expect(error.message).toContain('version 2, not 1');
    const paid = await run('payOrder', orderId, { expectedVersion: 2 });
    expect(paid.message.order?.version).toBe(3);
  });

  it('let exactly one of those who expect the same version win', async () => {
    const orderId = await placed(command);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => run('confirmOrder', orderId, { expectedVersion: 1 })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = outcomes.flatMap((one) =>
      one.status === 'rejected' ? [one.reason.reason] : [],
    );
    expect(new Set(reasons)).toEqual(new Set(['VERSION_CONFLICT']));
  });

  it.each(Object.keys(fieldsOf) as Step[])(
    '%s an absent order: ORDER_NOT_FOUND, with an expected version too',
    async (step) => {
      const orderId = randomUUID();
      for (const fields of [{}, { expectedVersion: 3 }])
        expect(await refusal(run(step, orderId, fields))).toMatchObject({
          reason: 'ORDER_NOT_FOUND',
          code: 'NOT_FOUND',
          resource: { type: 'order', name: orderId },
        });
    },
  );
});
