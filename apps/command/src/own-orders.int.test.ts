import { randomUUID } from 'node:crypto';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { ReasonError } from '@ordermesh/contract';
import { callingAs } from '@ordermesh/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { damage } from '../test/damage.ts';
import { item, orderRequest, refusal, rpc } from '../test/serve-command.ts';
import { command } from '../test/served-log.ts';

const [ada, bob] = [randomUUID(), randomUUID()];
const asAda = callingAs(ada, 'orders:read', 'orders:write');
const asBob = callingAs(bob, 'orders:read', 'orders:write');
const asStaff = callingAs('ann', 'orders:read', 'orders:write', 'orders:fulfil');
const total = { currencyCode: 'USD', minorUnits: 2500n };
const address = orderRequest().shippingAddress as object;

/** Every method that acts on an order or shows it, with what it takes beside the order's id. */
const methods: [DescMethodUnary, object][] = [
  [rpc.confirmOrder, {}],
  [rpc.payOrder, { paymentId: 'pay-1', amount: total }],
  [rpc.shipOrder, { trackingNumber: 'TRACK-1' }],
  [rpc.deliverOrder, {}],
  [rpc.cancelOrder, { reason: 'changed my mind' }],
  [rpc.addItem, { item: item(100n) }],
  [rpc.removeItem, { productId: randomUUID() }],
  [rpc.changeShippingAddress, { shippingAddress: address }],
  [rpc.listOrderEvents, {}],
];
const changes = methods.slice(0, -1);

const call = (method: DescMethodUnary, request: object, metadata: object = {}) =>
  command.call(method, { ...request }, { metadata: { ...metadata } });
const place = async (metadata: object = asAda, fields: object = {}) => {
  const request = { ...orderRequest({ customerId: ada }), ...fields };
  await call(rpc.createOrder, request, metadata);
  return request.orderId;
};
const versions = async (orderId: string) =>
  (await command.store.readHistory(orderId, 0, 100)).map(({ version }) => version);

/** Everything that a caller sees of a refusal, with the order's id blotted out. */
async function shown(orderId: string, refused: Promise<unknown>): Promise<unknown> {
  const error = await refusal(refused);
  if (!(error instanceof ReasonError)) throw error;
  const { reason, code, message, metadata, fields, retryAfterMs, resource } = error;
  const all = { reason, code, message, metadata, fields, retryAfterMs, resource };
  return JSON.parse(JSON.stringify(all).replaceAll(orderId, 'the order'));
}

let orderId: string;
beforeEach(async () => {
  orderId = await place();
});

describe('an order of another customer', () => {
  it.each(methods)('is to $name what an absent one is', async (method, fields) => {
    const absent = randomUUID();
    for (const version of [{}, { expectedVersion: 1 }, { expectedVersion: 9 }])
      for (const forget of [false, true]) {
        const request = method === rpc.listOrderEvents ? fields : { ...fields, ...version };
        const asked = (id: string) => shown(id, call(method, { ...request, orderId: id }, asBob));
        if (forget) command.aggregate.cache.clear();
        const foreign = await asked(orderId);
        expect(foreign).toEqual(await asked(absent));
        expect(foreign).toMatchObject({ reason: 'ORDER_NOT_FOUND', code: 'NOT_FOUND' });
      }
    expect(await versions(orderId)).toEqual([1]);
  });

  it.each(changes)('is absent to $name also under the key of its owner', async (method, fields) => {
    const key = { 'idempotency-key': randomUUID() };
    const request = { ...fields, orderId };
    const own = await call(method, request, { ...asAda, ...key }).catch(() => undefined);
    for (const subject of [bob, 'ann']) {
      const foreign = call(method, request, { ...callingAs(subject, 'orders:write'), ...key });
      expect(await shown(orderId, foreign)).toMatchObject({ reason: 'ORDER_NOT_FOUND' });
    }
    expect(await versions(orderId)).toHaveLength(own === undefined ? 1 : 2);
  });

  it.each([
    ['cannot be folded', 1, `type = 'OrderPaid', data = '{"amount":{}}'`],
    ['cannot be read', 2, `data = '{"secret":4711}'`],
    ['has a gap', 2, 'version = 7'],
  ])('is absent also when it %s', async (_, version, set) => {
    await call(rpc.confirmOrder, { orderId }, asAda);
    await damage(command.pool, orderId, version, set);
    command.aggregate.cache.clear();
    const absent = randomUUID();
    const confirm = (id: string) => shown(id, call(rpc.confirmOrder, { orderId: id }, asBob));
    expect(await confirm(orderId)).toEqual(await confirm(absent));
    const list = (id: string) => shown(id, call(rpc.listOrderEvents, { orderId: id }, asBob));
    expect(await list(orderId)).toEqual(await list(absent));
    const staff = await refusal(call(rpc.confirmOrder, { orderId }, asStaff));
    expect(staff.code).toBe('INTERNAL');
    if (version === 1) return;
    const own = await refusal(call(rpc.confirmOrder, { orderId }, asAda));
    expect(own.code).toBe('INTERNAL');
  });

  it('is closed to its history also with a page token of its owner', async () => {
    await call(rpc.confirmOrder, { orderId }, asAda);
    const first = await command.call(
      rpc.listOrderEvents,
      { orderId, pageSize: 1 },
      { metadata: asAda },
    );
    const pageToken = first.message.nextPageToken;
    expect(pageToken).not.toBe('');
    for (const others of [asBob, asStaff, {}]) {
      const error = await refusal(call(rpc.listOrderEvents, { orderId, pageToken }, others));
      expect(error.reason).toBe('PAGE_TOKEN_INVALID');
    }
    const rest = await command.call(
      rpc.listOrderEvents,
      { orderId, pageToken },
      { metadata: asAda },
    );
    expect(rest.message.events.map(({ version }) => version)).toEqual([2]);
  });
});

describe('an order of one’s own', () => {
  it('is acted on and shown, to staff and without authentication, too', async () => {
    await call(rpc.confirmOrder, { orderId }, asAda);
    await call(rpc.payOrder, { orderId, paymentId: 'pay-1', amount: total });
    await call(rpc.shipOrder, { orderId, trackingNumber: 'TRACK-1' }, asStaff);
    for (const who of [asAda, asStaff, {}]) {
      const { message } = await command.call(
        rpc.listOrderEvents,
        { orderId },
        { metadata: { ...who } },
      );
      expect(message.events.map(({ actor }) => actor?.subject)).toEqual([
        ada,
        ada,
        'anonymous',
        'ann',
      ]);
    }
    expect(await versions(orderId)).toEqual([1, 2, 3, 4]);
  });

  it('still conflicts by version', async () => {
    const refused = call(rpc.confirmOrder, { orderId, expectedVersion: 9 }, asAda);
    expect(await refusal(refused)).toMatchObject({
      reason: 'VERSION_CONFLICT',
      metadata: { expectedVersion: '9', actualVersion: '1' },
    });
  });
});

describe('CreateOrder', () => {
  it('is for oneself: another customer’s order is FORBIDDEN, but not to staff', async () => {
    const request = orderRequest({ customerId: ada });
    const error = await refusal(call(rpc.createOrder, request, asBob));
    expect(error).toMatchObject({ reason: 'FORBIDDEN', code: 'PERMISSION_DENIED' });
    expect(await versions(request.orderId)).toEqual([]);
    await place(asStaff);
  });

  it('with the id of another customer’s order says that it is taken, and nothing of the order', async () => {
    await call(rpc.confirmOrder, { orderId }, asAda);
    const create = (fields: object, who: object = asBob, customerId = bob) =>
      shown(
        orderId,
        call(rpc.createOrder, { ...orderRequest({ customerId }), orderId, ...fields }, who),
      );
    const taken = 'An order with this id exists; the id must be unused.';
    const resource = { type: 'order', name: 'the order' };
    expect(await create({})).toEqual({
      reason: 'ORDER_ALREADY_EXISTS',
      code: 'ALREADY_EXISTS',
      message: taken,
      metadata: {},
      fields: [],
      resource,
    });
    expect(await create({ expectedVersion: 0 })).toEqual({
      reason: 'VERSION_CONFLICT',
      code: 'ABORTED',
      message: taken,
      metadata: { expectedVersion: '0' },
      fields: [],
      resource,
    });
    for (const who of [asAda, asStaff])
      expect(await create({ expectedVersion: 0 }, who, ada)).toMatchObject({
        reason: 'VERSION_CONFLICT',
        metadata: { expectedVersion: '0', actualVersion: '2' },
      });
  });

  it('answers nobody with what another one got under the same key', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const request = { ...orderRequest({ customerId: ada }), orderId: '' };
    const placedBy = async (who: object) => {
      const { message } = await command.call(rpc.createOrder, request, {
        metadata: { ...who, ...key },
      });
      return message.order?.orderId;
    };
    const callers = [asAda, asStaff, callingAs('ben', 'orders:write', 'orders:fulfil'), {}];
    const ids = await Promise.all(callers.map(placedBy));
    expect(new Set(ids).size).toBe(4);
    expect(await Promise.all(callers.map(placedBy))).toEqual(ids);
  });
});
