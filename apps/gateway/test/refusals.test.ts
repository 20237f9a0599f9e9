import { type Reason, ReasonError } from '@ordermesh/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Reply, type SendOptions, type StubMesh, startStubMesh } from './stub-mesh.ts';

const id = '018f0000-0000-7000-8000-000000000001';
const json = { 'content-type': 'application/json' };

let mesh: StubMesh;
beforeAll(async () => {
  mesh = await startStubMesh();
});
afterAll(() => mesh[Symbol.asyncDispose]());

type Row = readonly [
  method: string,
  path: string,
  options: SendOptions,
  status: number,
  reason: Reason,
  field?: string,
];

const rows: readonly Row[] = [
  // Routes.
  ['GET', '/', {}, 404, 'ROUTE_NOT_FOUND'],
  ['GET', '/v1', {}, 404, 'ROUTE_NOT_FOUND'],
  ['GET', '/v1/orders/', {}, 404, 'ROUTE_NOT_FOUND'],
  ['GET', '//v1/orders', {}, 404, 'ROUTE_NOT_FOUND'],
  ['GET', `/V1/orders/${id}`, {}, 404, 'ROUTE_NOT_FOUND'],
  ['POST', `/v1/orders/${id}/confirm/`, {}, 404, 'ROUTE_NOT_FOUND'],
  ['POST', '/ordermesh.order.v1.OrderLogService/ReadLog', { body: {} }, 404, 'ROUTE_NOT_FOUND'],
  [
    'POST',
    '/ordermesh.customer.v1.CustomerService/BatchGetCustomers',
    { body: {} },
    404,
    'ROUTE_NOT_FOUND',
  ],
  ['DELETE', '/v1/orders', {}, 405, 'METHOD_NOT_ALLOWED'],
  ['PUT', `/v1/orders/${id}`, { body: {} }, 405, 'METHOD_NOT_ALLOWED'],
  ['GET', `/v1/orders/${id}/pay`, {}, 405, 'METHOD_NOT_ALLOWED'],
  ['PROPFIND', '/v1/orders', {}, 405, 'METHOD_NOT_ALLOWED'],
  ['GET', '/ordermesh.order.v1.OrderQueryService/GetOrder', {}, 405, 'METHOD_NOT_ALLOWED'],
  // Paths and queries.
  ['GET', '/v1/orders/%zz', {}, 400, 'INVALID_REQUEST', 'path'],
  ['GET', '/v1/orders/%ff', {}, 400, 'INVALID_REQUEST', 'path'],
  ['GET', '/v1/orders/%00', {}, 400, 'INVALID_REQUEST', 'orderId'],
  ['GET', '/v1/orders/7', {}, 400, 'INVALID_REQUEST', 'orderId'],
  ['GET', `/v1/orders/${id}%2F..`, {}, 400, 'INVALID_REQUEST', 'orderId'],
  ['GET', '/v1/orders?foo_bar=1', {}, 400, 'INVALID_REQUEST', 'foo_bar'],
  ['GET', '/v1/orders?query=%00', {}, 400, 'INVALID_REQUEST', 'query'],
  ['GET', '/v1/orders?query=%e4', {}, 400, 'INVALID_REQUEST', 'query'],
  ['GET', '/v1/orders?pageSize=-1', {}, 400, 'INVALID_REQUEST', 'pageSize'],
  ['GET', '/v1/orders?pageSize=99999999999', {}, 400, 'INVALID_REQUEST', 'pageSize'],
  ['GET', '/v1/orders?pageSize=1&pageSize=2', {}, 400, 'INVALID_REQUEST', 'pageSize'],
  ['GET', '/v1/orders?status=NOPE', {}, 400, 'INVALID_REQUEST', 'status[0]'],
  ['GET', '/v1/orders?status=UNSPECIFIED', {}, 400, 'INVALID_REQUEST', 'status[0]'],
  ['GET', '/v1/orders?createdAfter=today', {}, 400, 'INVALID_REQUEST', 'createdAfter'],
  ['GET', '/v1/orders?minTotal=1', {}, 400, 'INVALID_REQUEST', ''],
  ['GET', '/v1/orders?orderBy=createdAt;drop', {}, 400, 'INVALID_REQUEST', 'orderBy'],
  ['GET', `/v1/orders/${id}?minVersion=0`, {}, 400, 'INVALID_REQUEST', 'minVersion'],
  ['GET', `/v1/orders?query=${'a'.repeat(9_000)}`, {}, 414, 'INVALID_REQUEST', 'url'],
  ['GET', `/v1/orders/${'a'.repeat(9_000)}`, {}, 414, 'INVALID_REQUEST', 'url'],
  // Bodies.
  ['POST', '/v1/orders', {}, 400, 'INVALID_REQUEST', 'customerId'],
  ['POST', '/v1/orders', { body: '{"a', headers: json }, 400, 'MALFORMED_BODY'],
  ['POST', '/v1/orders', { body: '[]', headers: json }, 400, 'INVALID_REQUEST', ''],
  ['POST', '/v1/orders', { body: 'null', headers: json }, 400, 'INVALID_REQUEST', ''],
  [
    'POST',
    '/v1/orders',
    { body: Uint8Array.of(0x22, 0xff, 0x22), headers: json },
    400,
    'MALFORMED_BODY',
  ],
  ['POST', '/v1/orders', { body: '['.repeat(200_000), headers: json }, 400, 'MALFORMED_BODY'],
  ['POST', '/v1/orders', { body: { nope: 1 } }, 400, 'INVALID_REQUEST', 'nope'],
  [
    'POST',
    '/v1/orders',
    { body: '{"__proto__":{"a":1}}', headers: json },
    400,
    'INVALID_REQUEST',
    '__proto__',
  ],
  [
    'POST',
    '/v1/orders',
    { body: '{"constructor":{"prototype":1}}', headers: json },
    400,
    'INVALID_REQUEST',
    'constructor',
  ],
  [
    'POST',
    '/v1/orders',
    { body: '{"orderId":"a","orderId":"b"}', headers: json },
    400,
    'INVALID_REQUEST',
    'orderId',
  ],
  [
    'POST',
    '/v1/orders',
    { body: { items: [{ quantity: '1x' }] } },
    400,
    'INVALID_REQUEST',
    'items[0].quantity',
  ],
  [
    'POST',
    '/v1/orders',
    { body: '{"items":[{"unitPrice":{"minorUnits":9007199254740993}}]}', headers: json },
    400,
    'INVALID_REQUEST',
    'minorUnits',
  ],
  [
    'POST',
    `/v1/orders/${id}/confirm`,
    { body: { orderId: customerOf(id) } },
    400,
    'INVALID_REQUEST',
    'orderId',
  ],
  ['POST', `/v1/orders/${id}/cancel`, { body: { reason: '\0' } }, 400, 'INVALID_REQUEST', 'reason'],
  [
    'POST',
    `/v1/orders/${id}/pay`,
    { body: { paymentId: 'p', amount: { currencyCode: 'EUR', minorUnits: 1.5 } } },
    400,
    'INVALID_REQUEST',
    'amount.minorUnits',
  ],
  [
    'POST',
    `/v1/orders/${id}/pay`,
    { body: { paymentId: 'p', amount: { currencyCode: 'XXX' } } },
    400,
    'INVALID_REQUEST',
    'amount.currencyCode',
  ],
  [
    'POST',
    `/v1/orders/${id}/confirm?expectedVersion=1`,
    {},
    400,
    'INVALID_REQUEST',
    'expectedVersion',
  ],
  [
    'POST',
    '/v1/orders',
    { body: '{}', headers: { 'content-type': 'text/plain' } },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'POST',
    '/v1/orders',
    { body: '{}', headers: { 'content-type': 'json' } },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['POST', '/v1/orders', { body: new Uint8Array([123, 125]) }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  [
    'POST',
    '/v1/orders',
    { body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'POST',
    '/v1/orders',
    { body: '{}', headers: { ...json, 'content-encoding': 'gzip' } },
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  // Headers.
  [
    'POST',
    `/v1/orders/${id}/confirm`,
    { headers: { 'idempotency-key': 'a b' } },
    400,
    'INVALID_REQUEST',
    'Idempotency-Key',
  ],
  [
    'POST',
    `/v1/orders/${id}/confirm`,
    { headers: { 'idempotency-key': '' } },
    400,
    'INVALID_REQUEST',
    'Idempotency-Key',
  ],
  [
    'POST',
    `/v1/orders/${id}/confirm`,
    { headers: { 'idempotency-key': 'x'.repeat(256) } },
    400,
    'INVALID_REQUEST',
    'Idempotency-Key',
  ],
  [
    'POST',
    `/v1/orders/${id}/confirm`,
    { headers: { 'if-match': '3' } },
    400,
    'INVALID_REQUEST',
    'If-Match',
  ],
  [
    'POST',
    `/v1/orders/${id}/confirm`,
    { headers: { 'if-match': '"3", "4"' } },
    400,
    'INVALID_REQUEST',
    'If-Match',
  ],
  [
    'POST',
    `/v1/orders/${id}/confirm`,
    { headers: { 'if-none-match': '*' } },
    400,
    'INVALID_REQUEST',
    'If-None-Match',
  ],
  [
    'POST',
    `/v1/orders/${id}/confirm`,
    { body: { expectedVersion: 2 }, headers: { 'if-match': '"3"' } },
    400,
    'INVALID_REQUEST',
    'expectedVersion',
  ],
  [
    'GET',
    `/v1/orders/${id}`,
    { headers: { 'if-match': '"3"' } },
    400,
    'INVALID_REQUEST',
    'If-Match',
  ],
  [
    'GET',
    `/v1/orders/${id}`,
    { headers: { 'connect-timeout-ms': '1s' } },
    400,
    'INVALID_REQUEST',
    'Connect-Timeout-Ms',
  ],
  [
    'GET',
    `/v1/orders/${id}`,
    { headers: { 'consistency-token': 'ä' } },
    400,
    'INVALID_REQUEST',
    'Consistency-Token',
  ],
];

function customerOf(order: string): string {
  return order.replace(/1$/, '2');
}

function expectProblem(reply: Reply, path: string, status: number, reason: Reason): void {
  expect(reply.json).toMatchObject({ status, reason });
  expect(reply.status).toBe(status);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.headers.get('cache-control')).toBe('no-store');
  expect(reply.json).toMatchObject({
    type: `urn:ordermesh:problem:${reason}`,
    title: expect.stringMatching(/./),
    detail: expect.stringMatching(/./),
    instance: path.split('?')[0],
    code: expect.stringMatching(/^[A-Z_]+$/),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  const { instance: _said, ...own } = reply.json;
  expect(JSON.stringify(own)).not.toMatch(
    /FST_|node_modules|\.ts:|\.js:| {4}at |protobuf|ordermesh\.order/,
  );
}

describe('a request that cannot be served', () => {
  const titled = rows.map((row) => [JSON.stringify(row).slice(1, 120), row] as const);
  test.each(titled)('%s', async (_title, [method, path, options, status, reason, field]) => {
    mesh.script({});
    const reply = await mesh.send(method, path, options);
    expectProblem(reply, path, status, reason);
    if (field !== undefined)
      expect(reply.json.errors.map((one: { field: string }) => one.field)).toContain(field);
    if (status === 405) expect(reply.headers.get('allow')).toMatch(/OPTIONS/);
    expect(mesh.calls).toEqual([]);
  });

  test('is told every fault at once', async () => {
    const body = { customerId: 5, nope: 1, items: [{ quantity: 'x' }] };
    const { json: problem } = await mesh.send('POST', '/v1/orders', { body });
    expect(problem.errors).toHaveLength(3);
  });
});

describe('an error of a service', () => {
  test.each<[Reason, number, string | null]>([
    ['ORDER_NOT_FOUND', 404, null],
    ['ORDER_NOT_PENDING', 409, null],
    ['ORDER_ALREADY_EXISTS', 409, null],
    ['IDEMPOTENCY_KEY_REUSED', 422, null],
    ['EVENTUAL_CONSISTENCY_TIMEOUT', 503, '2'],
    ['DEPENDENCY_UNAVAILABLE', 503, '2'],
    ['OUTCOME_UNKNOWN', 503, '2'],
  ])('%s is %i', async (reason, status, retryAfter) => {
    const retryAfterMs = retryAfter === null ? {} : { retryAfterMs: 1_200 };
    mesh.script({
      ConfirmOrder: () => {
        throw new ReasonError(reason, 'As the service says it.', retryAfterMs);
      },
    });
    const path = `/v1/orders/${id}/confirm`;
    const reply = await mesh.send('POST', path);
    expectProblem(reply, path, status, reason);
    expect(reply.json.detail).toBe('As the service says it.');
    expect(reply.headers.get('retry-after')).toBe(retryAfter);
  });

  const leaks: readonly [string, () => unknown][] = [
    ['a thrown error', () => new Error('relation "events" does not exist at server.ts:12')],
    [
      'a corrupt stream',
      () =>
        new ReasonError('TRANSITION_INVALID', 'SELECT * FROM events', {
          metadata: { sql: 'SELECT' },
        }),
    ],
    ['a thrown text', () => 'password=hunter2'],
  ];
  test.each(leaks)('%s leaves nothing but a sentence and the trace id', async (_title, make) => {
    mesh.script({
      GetOrder: () => {
        throw make();
      },
    });
    for (const [method, path, options] of [
      ['GET', `/v1/orders/${id}`, {}],
      ['POST', '/ordermesh.order.v1.OrderQueryService/GetOrder', { body: { orderId: id } }],
    ] as const) {
      const reply = await mesh.send(method, path, options);
      expect(reply.status).toBe(500);
      expect(reply.text).not.toMatch(/events|SELECT|hunter2|\.ts|cause|stack/);
      const traceId = reply.headers.get('traceresponse')?.split('-')[1] as string;
      expect(reply.json.detail ?? reply.json.message).toContain(traceId);
    }
  });
});
