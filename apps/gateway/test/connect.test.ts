import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import {
  BadRequestSchema,
  CustomerService,
  ErrorInfoSchema,
  OrderCommandService,
  OrderQueryService,
  ReasonError,
  RetryInfoSchema,
} from '@ordermesh/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type StubMesh, startStubMesh } from './stub-mesh.ts';

const id = '018f0000-0000-7000-8000-000000000001';
const path = '/ordermesh.order.v1.OrderQueryService/GetOrder';

let mesh: StubMesh;
beforeAll(async () => {
  mesh = await startStubMesh();
});
afterAll(() => mesh[Symbol.asyncDispose]());

// A connection per call, so that none is left open.
const nodeOptions = { agent: false } as const;
const transports: readonly [string, () => Transport][] = [
  [
    'Connect, binary',
    () => createConnectTransport({ baseUrl: mesh.url, httpVersion: '1.1', nodeOptions }),
  ],
  [
    'Connect, JSON',
    () =>
      createConnectTransport({
        baseUrl: mesh.url,
        httpVersion: '1.1',
        nodeOptions,
        useBinaryFormat: false,
      }),
  ],
  [
    'gRPC-Web, binary',
    () => createGrpcWebTransport({ baseUrl: mesh.url, httpVersion: '1.1', nodeOptions }),
  ],
  [
    'gRPC-Web, JSON',
    () =>
      createGrpcWebTransport({
        baseUrl: mesh.url,
        httpVersion: '1.1',
        nodeOptions,
        useBinaryFormat: false,
      }),
  ],
];

const view: Answer = (_request, call) => {
  call.setHeader('etag', '"3.2"');
  call.setHeader('x-internal', 'secret');
  return { order: { orderId: id, version: 3, position: 9007199254740993n } };
};

const failure = async (call: Promise<unknown>) =>
  ConnectError.from(
    await call.then(
      () => expect.fail('succeeded'),
      (error: unknown) => error,
    ),
  );

describe.each(transports)('%s', (_title, transport) => {
  test('carries messages and metadata both ways', async () => {
    mesh.script({ GetOrder: view });
    let headers = new Headers();
    const answer = await createClient(OrderQueryService, transport()).getOrder(
      { orderId: id, minVersion: 3 },
      {
        headers: { 'consistency-token': 'abc', 'idempotency-key': '"k"', baggage: 'a=b' },
        onHeader: (received) => {
          headers = received;
        },
      },
    );
    expect(answer.order).toMatchObject({ version: 3, position: 9007199254740993n });
    expect(headers.get('etag')).toBe('"3.2"');
    expect(headers.get('traceresponse')).toMatch(/^00-/);
    expect(headers.has('x-internal')).toBe(false);
    expect(mesh.calls[0]).toMatchObject({
      request: { orderId: id, minVersion: 3 },
      consistencyToken: ['abc'],
      idempotencyKey: ['k'],
      baggage: [],
    });
  });

  test('refuses If-Match instead of ignoring it', async () => {
    const client = createClient(OrderCommandService, transport());
    const headers = { 'if-match': '"3"' };
    const error = await failure(client.confirmOrder({ orderId: id }, { headers }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.message).toContain('expectedVersion');
  });

  test('brings errors with their google.rpc details', async () => {
    mesh.script({
      ConfirmOrder: () => {
        const metadata = { expectedVersion: '3', actualVersion: '4' };
        throw new ReasonError('VERSION_CONFLICT', 'The order changed.', {
          metadata,
          retryAfterMs: 1_500,
        });
      },
    });
    const client = createClient(OrderCommandService, transport());
    const error = await failure(client.confirmOrder({ orderId: id }));
    expect(error).toMatchObject({ code: Code.Aborted, rawMessage: 'The order changed.' });
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: 'VERSION_CONFLICT', domain: 'ordermesh', metadata: { actualVersion: '4' } },
    ]);
    expect(error.findDetails(RetryInfoSchema)).toMatchObject([
      { retryDelay: { seconds: 1n, nanos: 500_000_000 } },
    ]);
  });

  test('names fields at fault as the proto files do', async () => {
    const client = createClient(OrderQueryService, transport());
    const error = await failure(client.getOrder({ orderId: '7' }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(BadRequestSchema)).toMatchObject([
      { fieldViolations: [{ field: 'order_id', reason: 'string.uuid' }] },
    ]);
  });

  test('keeps to the client’s timeout', async () => {
    mesh.script({ GetOrder: view });
    await createClient(OrderQueryService, transport()).getOrder(
      { orderId: id },
      { timeoutMs: 900 },
    );
    expect(mesh.calls[0]?.remainingMs).toBeLessThanOrEqual(881);
  });

  test('reaches no method without a route', async () => {
    const client = createClient(CustomerService, transport());
    const error = await failure(client.batchGetCustomers({ customerIds: [id] }));
    expect([Code.Unimplemented, Code.NotFound]).toContain(error.code);
    expect(mesh.calls.map(({ method }) => method)).not.toContain('BatchGetCustomers');
  });
});

describe('a malformed call', () => {
  const frame = (flags: number, message: string) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(flags);
    head.writeUInt32BE(message.length, 1);
    return new Uint8Array(Buffer.concat([head, Buffer.from(message)]));
  };
  const reasonOf = (reply: {
    text: string;
    json: { details: { type: string; value: string }[] };
  }) => Buffer.from(reply.json.details[0]?.value ?? '', 'base64').toString('latin1');

  test.each([
    ['unknown field', 'application/json', '{"nope":1}', 400, 'INVALID_REQUEST'],
    ['a key twice', 'application/json', '{"orderId":"a","orderId":"b"}', 400, 'INVALID_REQUEST'],
    [
      'inexact number',
      'application/json',
      '{"minVersion":9007199254740993}',
      400,
      'INVALID_REQUEST',
    ],
    ['no JSON', 'application/json', '{', 400, 'MALFORMED_BODY'],
    ['no body', 'application/json', '', 400, 'MALFORMED_BODY'],
    ['no protobuf', 'application/proto', 'zz', 400, 'MALFORMED_BODY'],
    ['200,000 groups', 'application/proto', '\x0b'.repeat(200_000), 400, 'MALFORMED_BODY'],
    [
      '40,000 objects',
      'application/json',
      `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`,
      400,
      'INVALID_REQUEST',
    ],
  ])('(%s) is the client’s fault over Connect', async (_title, type, body, status, reason) => {
    mesh.script({});
    const reply = await mesh.send('POST', path, { body, headers: { 'content-type': type } });
    expect(reply.status).toBe(status);
    expect(reasonOf(reply)).toContain(reason);
    expect(mesh.calls).toEqual([]);
  });

  test.each([
    ['no frame', 'zz'],
    ['half a frame', frame(0, 'zz').slice(0, 6)],
    ['no protobuf', frame(0, 'zz')],
    ['compressed', frame(1, 'zz')],
    ['200,000 groups', frame(0, '\x0b'.repeat(200_000))],
  ])('(%s) is the client’s fault over gRPC-Web', async (_title, body) => {
    mesh.script({});
    const headers = { 'content-type': 'application/grpc-web+proto' };
    const reply = await mesh.send('POST', path, { body, headers });
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('grpc-status: 3');
    expect(mesh.calls).toEqual([]);
  });

  test.each([
    [
      'Content-Encoding',
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'Connect-Timeout-Ms',
      { 'content-type': 'application/json', 'connect-timeout-ms': 'x' },
      400,
      'INVALID_REQUEST',
    ],
    [
      'Idempotency-Key',
      { 'content-type': 'application/json', 'idempotency-key': 'a b' },
      400,
      'INVALID_REQUEST',
    ],
  ])('(%s) gets Connect’s error with our reason', async (_title, headers, status, reason) => {
    const reply = await mesh.send('POST', path, { body: '{}', headers });
    expect(reply.status).toBe(status);
    expect(reply.json.code).toBe('invalid_argument');
    expect(reasonOf(reply)).toContain(reason);
  });

  test.each(['text/plain', 'application/grpc', 'application/connect+json'])(
    'with Content-Type %s is 415',
    async (type) => {
      const reply = await mesh.send('POST', path, {
        body: '{}',
        headers: { 'content-type': type },
      });
      expect(reply.json).toMatchObject({ status: 415, reason: 'UNSUPPORTED_MEDIA_TYPE' });
    },
  );

  test('without Content-Type is 415', async () => {
    const request = httpRequest(mesh.url + path, { method: 'POST', agent: false });
    const answered = Promise.withResolvers<[number, string]>();
    request.on('error', answered.reject);
    request.on('response', async (response) => {
      answered.resolve([response.statusCode ?? 0, await text(response)]);
    });
    request.end('{}');
    const [status, body] = await answered.promise;
    expect(status).toBe(415);
    expect(body).toContain('UNSUPPORTED_MEDIA_TYPE');
  });
});
