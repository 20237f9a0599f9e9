import { randomUUID } from 'node:crypto';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderRequest, rest, total } from './support/api.ts';
import { type Mesh, startMesh } from './support/mesh.ts';

let mesh: Mesh;
beforeAll(async () => {
  mesh = await startMesh();
});
afterAll(() => mesh?.[Symbol.asyncDispose]());

const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  rest(mesh.url, 'POST', path, body, headers);
const get = (path: string, headers?: Record<string, string>) =>
  rest(mesh.url, 'GET', path, undefined, headers);

describe('an order', () => {
  test('travels from placing to delivery, and the view follows every step', async () => {
    const customerId = randomUUID();
    const registered = await post('/v1/customers', {
      customerId,
      name: 'Ada Lovelace',
      email: 'ada@example.com',
    });
    expect(registered.status).toBe(201);
    expect(registered.headers.get('location')).toBe(`/v1/customers/${customerId}`);

    const placed = await post('/v1/orders', orderRequest({ customerId }));
    expect(placed.status).toBe(201);
    const { orderId } = placed.body.order;
    expect(placed.body.order).toMatchObject({ version: 1, status: 'ORDER_STATUS_PENDING', total });
    expect(placed.headers.get('location')).toBe(`/v1/orders/${orderId}`);
    expect(placed.headers.get('etag')).toBe('"1"');
    expect(placed.headers.get('consistency-token')).toBe(placed.body.consistencyToken);

    const steps: [string, unknown, string][] = [
      ['confirm', {}, 'CONFIRMED'],
      ['pay', { paymentId: 'pay-1', amount: total }, 'PAID'],
      ['ship', { trackingNumber: '1Z999' }, 'SHIPPED'],
      ['deliver', {}, 'DELIVERED'],
    ];
    for (const [i, [step, body, status]] of steps.entries()) {
      const version = i + 2;
      const done = await post(`/v1/orders/${orderId}/${step}`, body);
      expect([done.status, done.body.order.status]).toEqual([200, `ORDER_STATUS_${status}`]);
      const seen = await get(`/v1/orders/${orderId}?minVersion=${version}`);
      expect(seen.body.order).toMatchObject({ version, status: `ORDER_STATUS_${status}` });
    }

    const view = await get(`/v1/orders/${orderId}`);
    expect(view.body.order).toMatchObject({
      customerName: 'Ada Lovelace',
      customerEmail: 'ada@example.com',
      enrichment: 'ENRICHMENT_DONE',
      trackingNumber: '1Z999',
      paymentId: 'pay-1',
    });
    expect(view.headers.get('etag')).toBe('"5.2"');
    const unchanged = await get(`/v1/orders/${orderId}`, { 'if-none-match': '"5.2"' });
    expect([unchanged.status, unchanged.body]).toEqual([304, '']);

    const history = await get(`/v1/orders/${orderId}/events`);
    expect(history.body.events.map((event: { type: string }) => event.type)).toEqual([
      'OrderCreated',
      'OrderConfirmed',
      'OrderPaid',
      'OrderShipped',
      'OrderDelivered',
    ]);
  });

  test('is found by its writer’s token in get, list and search at once', async () => {
    const customerId = randomUUID();
    for (let i = 0; i < 20; i++) {
      const placed = await post('/v1/orders', orderRequest({ customerId }));
      const token = { 'consistency-token': placed.body.consistencyToken };
      const { orderId } = placed.body.order;
      expect((await get(`/v1/orders/${orderId}`, token)).body.order.orderId).toBe(orderId);
      const listed = await get(`/v1/customers/${customerId}/orders`, token);
      expect(listed.body.orders).toHaveLength(i + 1);
      const users = await get(`/v1/users/${customerId}/orders`, token);
      expect(users.body).toEqual(listed.body);
      const found = await get(`/v1/orders?query=${orderId}`, token);
      expect(found.body.orders.map((o: { orderId: string }) => o.orderId)).toEqual([orderId]);
    }
  });

  test('placed before its customer registers gets its name later', async () => {
    const customerId = randomUUID();
    const placed = await post('/v1/orders', orderRequest({ customerId }));
    const { orderId } = placed.body.order;
    const early = await get(`/v1/orders/${orderId}?minVersion=1`);
    expect(early.body.order.enrichment).toBe('ENRICHMENT_CUSTOMER_UNKNOWN');
    await post('/v1/customers', { customerId, name: 'Grace Hopper', email: 'grace@example.com' });
    await eventually(
      async () => (await get(`/v1/orders/${orderId}`)).body.order.customerName === 'Grace Hopper',
      { withinMs: 30_000 },
    );
    await eventually(
      async () => (await get('/v1/orders?query=grace+hopper')).body.orders[0]?.orderId === orderId,
    ); // without a token: the store of searches may be another one, and behind
  });
});

describe('an idempotency key', () => {
  test('makes a repeated command answer byte for byte as it first did, also after the order moved on', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const request = orderRequest();
    const send = async () => {
      const response = await fetch(`${mesh.url}/v1/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...key },
        body: JSON.stringify(request),
      });
      return response.text();
    };
    const first = await send();
    const { orderId } = JSON.parse(first).order;
    await post(`/v1/orders/${orderId}/cancel`, { reason: 'changed my mind' });
    expect(await Promise.all([send(), send(), send()])).toEqual([first, first, first]);
    expect((await get(`/v1/orders/${orderId}/events`)).body.events).toHaveLength(2);
    const other = await post('/v1/orders', orderRequest(), key);
    expect([other.status, other.body.reason]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });
});
