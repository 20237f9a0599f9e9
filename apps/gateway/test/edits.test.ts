import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { BadRequestSchema, OrderCommandService, ReasonError } from '@ordermesh/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type SendOptions, type StubMesh, startStubMesh } from './stub-mesh.ts';

// Routes whose body is one field of the request (POST, PUT), and one that has none (DELETE).

const id = '018f0000-0000-7000-8000-000000000001';
const productId = '018f0000-0000-7000-8000-0000000000d1';
const unitPrice = { currencyCode: 'EUR', minorUnits: '9007199254740993' };
const item = { productId, productName: 'Tea', quantity: 2, unitPrice };
const shippingAddress = {
  recipient: 'A',
  line1: 'B',
  line2: '',
  city: 'C',
  region: '',
  postalCode: '1',
  countryCode: 'DE',
};
const items = `/v1/orders/${id}/items`;
const line = `${items}/${productId}`;
const address = `/v1/orders/${id}/shipping-address`;

let mesh: StubMesh;
beforeAll(async () => {
  mesh = await startStubMesh();
});
afterAll(() => mesh[Symbol.asyncDispose]());

const done: Answer = (_request, call) => {
  call.setHeader('etag', '"4"');
  call.setHeader('consistency-token', 'dG9rZW4');
  return { order: { orderId: id, version: 4 }, consistencyToken: 'dG9rZW4' };
};
const script = () => mesh.script({ AddItem: done, RemoveItem: done, ChangeShippingAddress: done });

const edits: readonly [method: string, path: string, options: SendOptions, request: object][] = [
  [
    'POST',
    items,
    { body: item },
    { item: { productId, unitPrice: { minorUnits: 2n ** 53n + 1n } } },
  ],
  ['PUT', address, { body: shippingAddress }, { shippingAddress }],
  ['DELETE', line, {}, { productId }],
  ['DELETE', line, { body: {} }, { productId }],
  ['DELETE', line, { headers: { 'content-type': 'application/json' } }, { productId }],
];
const titled = edits.map(([method, path, options, request]) => {
  return [
    method,
    path.slice(-36),
    JSON.stringify(options).slice(0, 40),
    path,
    options,
    request,
  ] as const;
});

describe('an edit', () => {
  test.each(titled)(
    '%s %s with %s reaches the service',
    async (method, _, __, path, options, request) => {
      script();
      const headers = { ...options.headers, 'idempotency-key': '"k-1"', 'if-match': '"3.2"' };
      const reply = await mesh.send(method, path, { ...options, headers });
      expect([reply.status, reply.json.order]).toMatchObject([200, { orderId: id, version: 4 }]);
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        etag: '"4"',
        'consistency-token': 'dG9rZW4',
        'cache-control': 'no-store',
      });
      expect(mesh.calls).toMatchObject([
        { idempotencyKey: ['k-1'], request: { ...request, orderId: id, expectedVersion: 3 } },
      ]);
    },
  );

  test.each(titled)(
    '%s %s with %s takes the version as a parameter',
    async (method, _, __, path, options) => {
      script();
      expect((await mesh.send(method, `${path}?expectedVersion=3`, options)).status).toBe(200);
      expect((await mesh.send(method, `${path}?expected_version=3`, options)).status).toBe(200);
      const headers = { ...options.headers, 'if-match': '"4"' };
      const both = await mesh.send(method, `${path}?expectedVersion=3`, { ...options, headers });
      expect(both.json.errors).toMatchObject([
        { field: 'expectedVersion', reason: 'header.differs' },
      ]);
      expect(mesh.calls.map(({ request }) => request)).toMatchObject([
        { expectedVersion: 3 },
        { expectedVersion: 3 },
      ]);
    },
  );

  test('on a version that is no more is 412 for who sent If-Match, else 409', async () => {
    mesh.script({
      RemoveItem: () => {
        throw new ReasonError('VERSION_CONFLICT', 'The order changed.');
      },
    });
    expect((await mesh.send('DELETE', line)).status).toBe(409);
    const headers = { 'if-match': '"3"' };
    expect((await mesh.send('DELETE', line, { headers })).status).toBe(412);
  });
});

describe('a refused edit names the field as the caller sent it', () => {
  const json = { 'content-type': 'application/json' };
  test.each<[method: string, path: string, options: SendOptions, fields: readonly string[]]>([
    ['POST', items, {}, ['productId', 'productName', 'quantity', 'unitPrice']],
    ['POST', items, { body: { ...item, unitPrice: null } }, ['unitPrice']],
    ['POST', items, { body: { ...item, quantity: 'x', nope: 1 } }, ['quantity', 'nope']],
    ['POST', items, { body: { item } }, ['item']],
    ['POST', items, { body: { ...item, expectedVersion: 3 } }, ['expectedVersion']],
    ['POST', items, { body: 'null', headers: json }, ['']],
    ['POST', `${items}?productName=Tea`, { body: item }, ['productName']],
    ['POST', `${items}?item.productName=Tea`, { body: item }, ['item.productName']],
    ['POST', `/v1/orders/7/items`, { body: item }, ['orderId']],
    ['PUT', address, { body: { ...shippingAddress, countryCode: 'x' } }, ['countryCode']],
    ['PUT', address, { body: { shippingAddress } }, ['shippingAddress']],
    ['PUT', address, { body: '[]', headers: json }, ['']],
    ['DELETE', `${items}/7`, {}, ['productId']],
    ['DELETE', line, { body: { expectedVersion: 3 } }, ['expectedVersion']],
    ['DELETE', line, { body: 'null', headers: json }, ['']],
    ['DELETE', `${line}?productId=${productId}`, {}, ['productId']],
    ['DELETE', line, { headers: { 'if-match': '3' } }, ['If-Match']],
    ['DELETE', line, { headers: { 'if-none-match': '*' } }, ['If-None-Match']],
    ['DELETE', line, { headers: { 'idempotency-key': 'a b' } }, ['Idempotency-Key']],
  ])('%s %s with %j: %j', async (method, path, options, fields) => {
    script();
    const reply = await mesh.send(method, path, options);
    expect([reply.status, reply.json.reason]).toEqual([400, 'INVALID_REQUEST']);
    expect(reply.json.errors.map(({ field }: { field: string }) => field).sort()).toEqual(
      [...fields].sort(),
    );
    expect(reply.json.detail).not.toMatch(/_/);
    expect(mesh.calls).toEqual([]);
  });

  test('also where the service finds it in the order’s state', async () => {
    const told = (field: string, message: string) => {
      const fields = [{ field, reason: 'limit', detail: message }];
      mesh.script({
        AddItem: () => {
          throw new ReasonError('INVALID_REQUEST', message, { fields });
        },
      });
      return mesh.send('POST', items, { body: item });
    };
    const line = await told('item.quantity', 'item.quantity: too many of one item');
    expect(line.json).toMatchObject({
      detail: 'quantity: too many of one item',
      errors: [{ field: 'quantity' }],
    });
    const whole = await told('item', 'The order has 100 items.');
    expect(whole.json).toMatchObject({
      detail: 'The order has 100 items.',
      errors: [{ field: '' }],
    });
  });

  test.each<[method: string, path: string, allow: string]>([
    ['GET', items, 'OPTIONS, POST'],
    ['PUT', items, 'OPTIONS, POST'],
    ['DELETE', items, 'OPTIONS, POST'],
    ['POST', line, 'DELETE, OPTIONS'],
    ['GET', line, 'DELETE, OPTIONS'],
    ['POST', address, 'OPTIONS, PUT'],
    ['PATCH', address, 'OPTIONS, PUT'],
    ['DELETE', address, 'OPTIONS, PUT'],
  ])('%s %s is not allowed, but %s', async (method, path, allow) => {
    const reply = await mesh.send(method, path);
    expect([reply.status, reply.json.reason]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect(reply.headers.get('allow')).toBe(allow);
    const options = await mesh.send('OPTIONS', path);
    expect([options.status, options.headers.get('allow')]).toEqual([204, allow]);
  });

  test('a body that is not said to be JSON is refused, with DELETE too', async () => {
    const headers = { 'content-type': 'text/plain' };
    for (const [method, path] of [
      ['POST', items],
      ['PUT', address],
      ['DELETE', line],
    ] as const) {
      const reply = await mesh.send(method, path, { body: '{}', headers });
      expect([method, reply.status]).toEqual([method, 415]);
    }
  });
});

// A connection per call, so that none is left open.
const nodeOptions = { agent: false } as const;
const over = (useBinaryFormat: boolean) => {
  const options = { baseUrl: mesh.url, httpVersion: '1.1', nodeOptions, useBinaryFormat } as const;
  return { Connect: createConnectTransport(options), 'gRPC-Web': createGrpcWebTransport(options) };
};

describe.each(['Connect', 'gRPC-Web'] as const)('an edit over %s', (protocol) => {
  test.each([true, false])(
    'reaches the service as the whole request (binary: %s)',
    async (binary) => {
      script();
      const client = createClient(OrderCommandService, over(binary)[protocol]);
      const headers = { 'idempotency-key': 'k' };
      const price = { currencyCode: 'EUR', minorUnits: 2n ** 53n + 1n };
      await client.addItem({ orderId: id, item: { ...item, unitPrice: price } }, { headers });
      await client.removeItem({ orderId: id, productId, expectedVersion: 3 }, { headers });
      await client.changeShippingAddress({ orderId: id, shippingAddress }, { headers });
      expect(mesh.calls).toMatchObject([
        { method: 'AddItem', idempotencyKey: ['k'], request: { item: { unitPrice: price } } },
        { method: 'RemoveItem', idempotencyKey: ['k'], request: { productId, expectedVersion: 3 } },
        { method: 'ChangeShippingAddress', request: { orderId: id, shippingAddress } },
      ]);
      const error = await client.addItem({ orderId: id, item: { productId } }).then(
        () => expect.fail('succeeded'),
        (thrown: unknown) => ConnectError.from(thrown),
      );
      expect(error.code).toBe(Code.InvalidArgument);
      const named = error.findDetails(BadRequestSchema)[0]?.fieldViolations;
      expect(named?.map(({ field }) => field)).toContain('item.product_name');
    },
  );
});
