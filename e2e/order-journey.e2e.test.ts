import { randomUUID } from 'node:crypto';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderRequest, rest, total } from './support/api.ts';
import { rowsOf } from './support/database.ts';
import { type Mesh, startMesh } from './support/mesh.ts';

/** Of one order; a multiple of its 50 products. */
const edits = process.env.SOAK ? 300 : 100;

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

describe('a pending order', () => {
  const usd = (minorUnits: number) => ({ currencyCode: 'USD', minorUnits: String(minorUnits) });
  const product = (productName: string, minorUnits: number) => ({
    productId: randomUUID(),
    productName,
    quantity: 1,
    unitPrice: usd(minorUnits),
  });
  const place = async (change: Record<string, unknown>) =>
    (await post('/v1/orders', orderRequest(change))).body.order.orderId as string;

  /** As a client reads that takes "not yet" for an answer: a store that is behind says so, and never shows an older state. */
  const read = (path: string, headers?: Record<string, string>) =>
    eventually(async () => {
      const reply = await get(path, headers);
      return reply.body.reason === 'EVENTUAL_CONSISTENCY_TIMEOUT' ? false : reply;
    });

  test('is edited, found by what it has now, and paid with the total that the last edit left', async () => {
    const name = `Unobtainium${randomUUID().slice(0, 8)}`;
    const customerId = randomUUID();
    const orderId = await place({ customerId });
    const kettle = product(`${name} kettle`, 4000);
    const items = `/v1/orders/${orderId}/items`;
    const found = async (query: string, token: string) => {
      const headers = { 'consistency-token': token };
      const page = await read(`/v1/orders?customerId=${customerId}&${query}`, headers);
      return page.body.orders.length;
    };

    const added = await post(items, kettle, { 'if-match': '"1"' });
    expect([added.status, added.headers.get('etag')]).toEqual([200, '"2"']);
    expect(added.body.order).toMatchObject({ version: 2, total: usd(6500) });
    const { consistencyToken: first } = added.body;
    expect(await found(`query=${name}`, first)).toBe(1);
    expect(await found('currencyCode=USD&minTotal=6500', first)).toBe(1);

    const shippingAddress = { ...orderRequest().shippingAddress, city: 'Leeds' };
    const put = (headers: Record<string, string>) =>
      rest(mesh.url, 'PUT', `/v1/orders/${orderId}/shipping-address`, shippingAddress, headers);
    expect((await put({ 'if-match': '"1"' })).status).toBe(412);
    const key = { 'idempotency-key': randomUUID() };
    const moved = await put(key);
    expect(moved.body.order).toMatchObject({ version: 3, total: usd(6500) });
    expect((await put(key)).body).toEqual(moved.body);

    const remove = (path: string) =>
      rest(mesh.url, 'DELETE', path, undefined, { 'if-match': '"3"' });
    const removed = await remove(`${items}/${kettle.productId}`);
    expect(removed.body.order).toMatchObject({ version: 4, total });
    const { consistencyToken: last } = removed.body;
    expect(await found(`query=${name}`, last)).toBe(0);
    expect(await found('currencyCode=USD&minTotal=2501', last)).toBe(0);
    expect(await found('currencyCode=USD&maxTotal=2500', last)).toBe(1);
    expect((await read(`/v1/orders/${orderId}?minVersion=4`)).body.order).toMatchObject({
      version: 4,
      total,
      shippingAddress,
      items: [{ productName: 'Green tea', quantity: 2 }],
    });

    const paid = await post(`/v1/orders/${orderId}/pay`, { paymentId: 'pay-1', amount: total });
    expect(paid.body.order).toMatchObject({ version: 5, status: 'ORDER_STATUS_PAID' });
    const late = await post(items, kettle);
    expect([late.status, late.body.reason]).toEqual([409, 'ORDER_NOT_PENDING']);
    const history = await get(`/v1/orders/${orderId}/events`);
    expect(history.body.events.slice(1, 4)).toMatchObject([
      { type: 'OrderItemAdded', data: { item: kettle, addedQuantity: 1, total: usd(6500) } },
      { type: 'ShippingAddressChanged', data: { shippingAddress } },
      {
        type: 'OrderItemRemoved',
        data: { productId: kettle.productId, removedQuantity: 1, total },
      },
    ]);
  });

  test(`of ${edits} edits has its view and its whole history`, async () => {
    const orderId = await place({});
    const products = Array.from({ length: 50 }, (_, i) => product(`Product ${i}`, 100));
    let token = '';
    for (let i = 0; i < edits; i++) {
      const done = await post(`/v1/orders/${orderId}/items`, products[i % products.length]);
      expect(done.body.order).toMatchObject({ version: i + 2, total: usd(2500 + 100 * (i + 1)) });
      token = done.body.consistencyToken;
    }
    const view = await read(`/v1/orders/${orderId}`, { 'consistency-token': token });
    expect(view.body.order).toMatchObject({ version: edits + 1, total: usd(2500 + 100 * edits) });
    expect(view.body.order.items.slice(1)).toEqual(
      products.map((one) => ({ ...one, quantity: edits / 50 })),
    );

    const seen: [number, string][] = [];
    let pageToken = '';
    do {
      const page = await get(`/v1/orders/${orderId}/events?pageSize=40&pageToken=${pageToken}`);
      for (const { version, type } of page.body.events) seen.push([version, type]);
      pageToken = page.body.nextPageToken;
    } while (pageToken !== '');
    const expected = (_: unknown, i: number) => [
      i + 1,
      i === 0 ? 'OrderCreated' : 'OrderItemAdded',
    ];
    expect(seen).toEqual(Array.from({ length: edits + 1 }, expected));
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

test('the log is appended to by a role that can change no event', async () => {
  await post('/v1/orders', orderRequest());
  const text = `SELECT DISTINCT usename, has_table_privilege(usename, 'events', 'INSERT') AS inserts,
      has_table_privilege(usename, 'events', 'UPDATE, DELETE, TRUNCATE') AS changes
    FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ordermesh-command%'`;
  const roles = await rowsOf(mesh.dataDir, 'ordermesh_log', text);
  expect(roles).toEqual([{ usename: 'ordermesh', inserts: true, changes: false }]);
});
