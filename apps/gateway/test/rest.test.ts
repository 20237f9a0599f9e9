import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { OrderPaidSchema, ReasonError } from '@ordermesh/contract';
import { metricsText } from '@ordermesh/telemetry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type StubMesh, startStubMesh } from './stub-mesh.ts';

const id = '018f0000-0000-7000-8000-000000000001';
const customer = '018f0000-0000-7000-8000-0000000000c1';
const newOrder = {
  customerId: customer,
  items: [
    {
      productId: '018f0000-0000-7000-8000-0000000000d1',
      productName: 'Tea',
      quantity: 2,
      unitPrice: { currencyCode: 'EUR', minorUnits: '9007199254740993' },
    },
  ],
  shippingAddress: { recipient: 'A', line1: 'B', city: 'C', postalCode: '1', countryCode: 'DE' },
};

let mesh: StubMesh;
beforeAll(async () => {
  mesh = await startStubMesh();
});
afterAll(() => mesh[Symbol.asyncDispose]());

const command: Answer = (_request, call) => {
  call.setHeader('etag', '"1"');
  call.setHeader('consistency-token', 'dG9rZW4');
  call.setHeader('x-internal', 'secret');
  return { order: { orderId: id, version: 1 }, consistencyToken: 'dG9rZW4' };
};
const view: Answer = (_request, call) => {
  call.setHeader('etag', '"3.2"');
  call.setHeader('x-ordermesh-degraded', 'postgresql');
  call.setHeader('x-ordermesh-stale', '61000');
  return { order: { orderId: id, version: 3 } };
};

describe('commands', () => {
  test('creating answers 201 with where it is, its tag and its token', async () => {
    mesh.script({ CreateOrder: command });
    const reply = await mesh.send('POST', '/v1/orders', {
      body: newOrder,
      headers: { 'idempotency-key': '"k-1"', baggage: 'a=b', 'x-forwarded-user': 'root' },
    });
    expect(reply.status).toBe(201);
    expect(reply.json).toMatchObject({ order: { orderId: id }, consistencyToken: 'dG9rZW4' });
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      'content-type': 'application/json',
      location: `/v1/orders/${id}`,
      etag: '"1"',
      'consistency-token': 'dG9rZW4',
      'cache-control': 'no-store',
    });
    expect(reply.headers.has('x-internal')).toBe(false);
    const [call] = mesh.calls;
    expect(call).toMatchObject({ idempotencyKey: ['k-1'], baggage: [] });
    expect(call?.request).toMatchObject({
      items: [{ unitPrice: { minorUnits: 9007199254740993n } }],
    });
  });

  test.each([
    ['If-Match: "3.2"', { 'if-match': '"3.2"' }, 3],
    ['no condition', {}, undefined],
    ['If-Match: *', { 'if-match': '*' }, undefined],
  ])('%s asks for version %s', async (_title, headers, expectedVersion) => {
    mesh.script({ ConfirmOrder: command });
    const reply = await mesh.send('POST', `/v1/orders/${id}/confirm`, { headers });
    expect(reply.status).toBe(200);
    const request = mesh.calls[0]?.request as { expectedVersion?: number } | undefined;
    expect(request?.expectedVersion).toBe(expectedVersion);
  });

  test('If-None-Match: * asks that nothing exists', async () => {
    mesh.script({ CreateOrder: command });
    await mesh.send('POST', '/v1/orders', { body: newOrder, headers: { 'if-none-match': '*' } });
    expect(mesh.calls[0]?.request).toMatchObject({ expectedVersion: 0 });
  });

  test.each([
    [{}, 409],
    [{ 'if-match': '"3"' }, 412],
    [{ 'if-match': 'W/"3"' }, 412],
    [{ 'if-match': '"abc"' }, 412],
  ])('a version conflict after %j is %i', async (headers, status) => {
    const metadata = { expectedVersion: '3', actualVersion: '4' };
    mesh.script({
      ConfirmOrder: () => {
        throw new ReasonError('VERSION_CONFLICT', 'The order changed.', { metadata });
      },
    });
    const reply = await mesh.send('POST', `/v1/orders/${id}/confirm`, { headers });
    expect(reply.json).toMatchObject({ status, reason: 'VERSION_CONFLICT', metadata });
    expect(reply.status).toBe(status);
  });

  test('an absent order stays ORDER_NOT_FOUND whatever If-Match says', async () => {
    mesh.script({
      ConfirmOrder: () => {
        throw new ReasonError('ORDER_NOT_FOUND', 'There is no such order.');
      },
    });
    const headers = { 'if-match': 'W/"3"' };
    const reply = await mesh.send('POST', `/v1/orders/${id}/confirm`, { headers });
    expect(reply.status).toBe(404);
  });
});

describe('views', () => {
  test('carry their tag and may be revalidated, not reused', async () => {
    mesh.script({ GetOrder: view });
    const reply = await mesh.send('GET', `/v1/orders/${id}?minVersion=3`, {
      headers: { 'consistency-token': 'a, b' },
    });
    expect(reply.status).toBe(200);
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      etag: '"3.2"',
      'cache-control': 'private, no-cache',
      'x-ordermesh-degraded': 'postgresql',
      'x-ordermesh-stale': '61000',
    });
    expect(mesh.calls[0]).toMatchObject({
      consistencyToken: ['a, b'],
      request: { orderId: id, minVersion: 3 },
    });
  });

  test.each(['"3.2"', 'W/"3.2"', '"1", "3.2"', '*'])(
    'are 304 without a body for If-None-Match: %s',
    async (tag) => {
      mesh.script({ GetOrder: view });
      const reply = await mesh.send('GET', `/v1/orders/${id}`, {
        headers: { 'if-none-match': tag },
      });
      expect([reply.status, reply.text, reply.headers.get('etag')]).toEqual([304, '', '"3.2"']);
    },
  );

  test('are sent again when enriched meanwhile', async () => {
    mesh.script({ GetOrder: view });
    const headers = { 'if-none-match': '"3.1"' };
    expect((await mesh.send('GET', `/v1/orders/${id}`, { headers })).status).toBe(200);
  });

  test('answer HEAD as GET without the body', async () => {
    mesh.script({ GetOrder: view });
    const get = await mesh.send('GET', `/v1/orders/${id}`);
    const head = await mesh.send('HEAD', `/v1/orders/${id}`);
    expect([head.status, head.text]).toEqual([200, '']);
    for (const name of ['etag', 'content-length', 'content-type', 'cache-control'])
      expect(head.headers.get(name)).toBe(get.headers.get(name));
  });

  test('write out what is empty and leave out what is unset', async () => {
    mesh.script({ SearchOrders: () => ({}), GetOrder: view });
    const { json: page } = await mesh.send('GET', '/v1/orders');
    expect(page).toEqual({ orders: [], nextPageToken: '' });
    const { json } = await mesh.send('GET', `/v1/orders/${id}`);
    expect(json.order).toMatchObject({ items: [], position: '0', trackingNumber: '' });
    expect(json.order).not.toHaveProperty('paidAt');
    expect(json.order).not.toHaveProperty('total');
  });

  test.each(['customers', 'users'])('are listed under /v1/%s', async (who) => {
    mesh.script({ ListOrders: () => ({ nextPageToken: 'n' }) });
    const { json } = await mesh.send('GET', `/v1/${who}/${customer}/orders?pageSize=2`);
    expect(json).toEqual({ orders: [], nextPageToken: 'n' });
    expect(mesh.calls[0]?.request).toMatchObject({ customerId: customer, pageSize: 2 });
  });

  test('show the history with the event messages', async () => {
    const paid = create(OrderPaidSchema, { paymentId: 'p', amount: { minorUnits: 5n } });
    const event = {
      version: 2,
      position: 7n,
      type: 'OrderPaid',
      data: anyPack(OrderPaidSchema, paid),
    };
    mesh.script({ ListOrderEvents: () => ({ events: [event] }) });
    const { json } = await mesh.send('GET', `/v1/orders/${id}/events`);
    expect(json.events[0]).toMatchObject({
      position: '7',
      data: { '@type': 'type.googleapis.com/ordermesh.order.v1.OrderPaid', paymentId: 'p' },
    });
  });
});

describe('tracing', () => {
  test('continues the caller’s trace and says which one it is', async () => {
    mesh.script({ GetOrder: view });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const found = await mesh.send('GET', `/v1/orders/${id}`, { headers });
    expect(found.headers.get('traceresponse')).toMatch(
      new RegExp(`^00-${traceId}-[0-9a-f]{16}-0[01]$`),
    );
    const lost = await mesh.send('GET', '/nowhere', { headers });
    expect(lost.json.traceId).toBe(traceId);
  });

  test('counts requests by route template', async () => {
    mesh.script({ GetOrder: view });
    await mesh.send('GET', `/v1/orders/${id}`);
    await mesh.send('POST', '/v1/orders', { headers: { 'content-encoding': 'gzip' } });
    const metrics = await metricsText();
    const counted = (labels: string) =>
      expect(metrics).toMatch(new RegExp(`http_server_request_duration_count\\{[^}]*${labels}`));
    counted('http_route="/v1/orders/\\{order_id\\}"');
    counted('http_route="/v1/orders",http_response_status_code="415"');
  });
});

describe('OPTIONS', () => {
  test.each([
    ['/v1/orders', 'GET, HEAD, OPTIONS, POST'],
    [`/v1/orders/${id}`, 'GET, HEAD, OPTIONS'],
    ['/ordermesh.order.v1.OrderQueryService/GetOrder', 'OPTIONS, POST'],
  ])('%s says what is possible', async (path, allow) => {
    const reply = await mesh.send('OPTIONS', path);
    expect([reply.status, reply.headers.get('allow')]).toEqual([204, allow]);
  });
});
