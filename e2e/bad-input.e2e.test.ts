import { create } from '@bufbuild/protobuf';
import { compressionAlgorithms } from '@grpc/grpc-js';
import { OrderCommandService, OrderQueryService } from '@ordermesh/contract';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rest } from './support/api.ts';
import { badEditHttp, badEdits, full, tea } from './support/bad-edits.ts';
import { badHttp } from './support/bad-http.ts';
import { badOrders, journeys, orders, type Status, usedKey } from './support/bad-orders.ts';
import { badQueries, customerId, tokens } from './support/bad-queries.ts';
import { asRest, type Call, calls, commands, place } from './support/calls.ts';
import { rowsOf } from './support/database.ts';
import { type GrpcClient, grpcClient } from './support/grpc-client.ts';
import { type Mesh, processes, startMesh } from './support/mesh.ts';
import { sendBytes } from './support/raw-http.ts';
import {
  bad,
  expectNothingInternal,
  expectProblem,
  expectStatus,
  invalid,
  refusedByConnect,
  refusedByGrpc,
  refusedByRest,
} from './support/refusals.ts';

const statuses = Object.keys(journeys) as Status[];
const placed = [...Object.values(orders), full.orderId];

let mesh: Mesh;
let clients: Readonly<Record<'command' | 'query' | 'customer', GrpcClient>>;

beforeAll(async () => {
  // How long a read waits for its writer's events is not what these tests are about.
  mesh = await startMesh({ env: { MIN_VERSION_WAIT_MS: '300' } });
  clients = {
    command: grpcClient(mesh.address.command),
    query: grpcClient(mesh.address.query),
    customer: grpcClient(mesh.address.customer),
  };
  await send(calls.register({ customerId, name: 'Ada Lovelace', email: 'ada@example.com' }));
  for (const status of statuses) {
    const orderId = orders[status];
    const key = status === 'PENDING' ? { 'idempotency-key': usedKey } : {};
    await send(place({ orderId, customerId, items: [tea] }), key);
    for (const step of journeys[status]) await send(calls[step]({ orderId, ...commands[step] }));
    await eventually(() => expectView(status));
  }
  await send(place(full));
  await eventually(async () => (await send(calls.get({ orderId: full.orderId }))).order);
  const pages = {
    list: calls.list({ customerId, pageSize: 1 }),
    search: calls.search({ query: 'tea', pageSize: 1 }),
    history: calls.history({ orderId: orders.PAID, pageSize: 1 }),
  };
  for (const name of ['list', 'search', 'history'] as const) {
    tokens[name] = (await send(pages[name])).nextPageToken;
    expect(tokens[name]).not.toBe('');
  }
});

afterAll(async () => {
  for (const client of Object.values(clients ?? {})) client[Symbol.dispose]();
  await mesh?.[Symbol.asyncDispose]();
});

async function send(call: Call, headers: Record<string, string> = {}) {
  const [method, path, body] = asRest(call);
  const reply = await rest(mesh.url, method, path, body, headers);
  expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300);
  return reply.body;
}

async function expectView(status: Status): Promise<void> {
  const { order } = await send(calls.get({ orderId: orders[status] }));
  const version = 1 + journeys[status].length;
  expect(order).toMatchObject({ status: `ORDER_STATUS_${status}`, version });
}

async function eventsInLog(): Promise<number | undefined> {
  const text = 'SELECT count(*)::integer AS events FROM events';
  const [row] = await rowsOf<{ events: number }>(mesh.dataDir, 'ordermesh_log', text);
  return row?.events;
}

function ownerOf({ method }: Call): GrpcClient {
  const { typeName } = method.parent;
  if (typeName === OrderQueryService.typeName) return clients.query;
  return typeName.includes('customer') ? clients.customer : clients.command;
}

/** A refusal is late, but does not hang: five times the gateway's own deadline. */
const withinMs = 10_000;

const badCalls = [...badOrders, ...badEdits, ...badQueries];
const via = (protocol: 'REST' | 'Connect' | 'gRPC') =>
  badCalls
    .filter((row) => row.via?.includes(protocol) ?? true)
    .map((row) => [`${row.says.reason} for ${row.rule.slice(0, 80)}`, row] as const);

describe('refused over REST', () => {
  test.each(via('REST'))(
    '%s',
    async (_title, { call, says, headers }) => {
      await refusedByRest(mesh.url, call, says, headers);
    },
    withinMs,
  );
});

describe('refused over Connect', () => {
  test.each(via('Connect'))(
    '%s',
    async (_title, { call, says, headers }) => {
      await refusedByConnect(mesh.url, call, says, headers);
    },
    withinMs,
  );
});

describe('refused over gRPC', () => {
  test.each(via('gRPC'))(
    '%s',
    async (_title, row) => {
      await refusedByGrpc(ownerOf(row.call), row.call, row.says, row.headers);
    },
    withinMs,
  );
});

describe('refused by the gateway itself', () => {
  const titled = [...badHttp, ...badEditHttp].map(
    (row) => [`${row.says.reason} for ${row.rule}`, row] as const,
  );
  test.each(titled)('%s', async (_title, { send: sendTo, says, allow }) => {
    const reply = await sendTo(mesh.url);
    expectProblem(reply, says);
    expect(reply.headers.get('allow')).toBe(allow ?? null);
  });
});

describe('refused by a service, of what only gRPC can send', () => {
  const { createOrder } = OrderCommandService.method;
  const { searchOrders } = OrderQueryService.method;

  test.each([
    ['bytes that are no protobuf', Uint8Array.of(0xff, 0xff, 0xff)],
    ['a length beyond the end', Uint8Array.of(0x0a, 0x7f, 0x61)],
    ['a text that is not UTF-8', Uint8Array.of(0x0a, 0x02, 0xff, 0xfe)],
    ['256 KiB of zeros', new Uint8Array(256 * 1024)],
    ['200,000 groups, one in another', new Uint8Array(200_000).fill(0x0b)],
  ])('%s', async (_title, bytes) => {
    expectStatus(await clients.command.refusal(createOrder, bytes), bad('MALFORMED_BODY'));
  });

  test('a message of 4 MiB', async () => {
    const refusal = await clients.command.refusal(createOrder, new Uint8Array(4 * 1024 * 1024));
    expect(refusal.code).toBe('RESOURCE_EXHAUSTED');
    expectNothingInternal(JSON.stringify(refusal));
  });

  test('64 MiB in 64 KiB of gzip', async () => {
    const inGzip = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip };
    using client = grpcClient(mesh.address.command, inGzip);
    const refusal = await client.refusal(createOrder, new Uint8Array(64 * 1024 * 1024));
    expect(refusal.code).toBe('RESOURCE_EXHAUSTED');
    expectNothingInternal(JSON.stringify(refusal));
  });

  test('a status that is only a number', async () => {
    const request = create(searchOrders.input, { status: [99 as never] });
    expectStatus(await clients.query.refusal(searchOrders, request), invalid('status[0]'));
  });

  test('an answer within a millisecond', async () => {
    const request = create(searchOrders.input);
    const refusal = await clients.query.refusal(searchOrders, request, { timeoutMs: 1 });
    expect(refusal.code).toBe('DEADLINE_EXCEEDED');
  });

  test('a method that is none', async () => {
    const path = '/ordermesh.order.v1.OrderCommandService/DeleteOrder';
    await expect(clients.command.bytes(path, new Uint8Array())).rejects.toMatchObject({ code: 12 });
  });
});

describe('bytes that are no request', () => {
  test.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a header of 20 KB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'a length and chunks',
      'POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('(%s) are answered by a problem', async (_title, bytes, status) => {
    const reply = await sendBytes(mesh.url, bytes);
    expect(reply.status).toBe(status);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(reply.body).toMatchObject({ status, reason: 'INVALID_REQUEST' });
    expectNothingInternal(JSON.stringify(reply.body));
  });
});

describe('odd, but right:', () => {
  test.each([
    '/v1/orders?query=%26%7C!%3A*()%27%22%5C%3C-%3E',
    '/v1/orders?query=%20',
    '/v1/orders?pageSize=1000000',
    '/v1/orders?status=PENDING&status=ORDER_STATUS_PAID',
    '/v1/orders?minTotal=-9223372036854775808&maxTotal=9223372036854775807&currencyCode=USD',
    '/v1/orders?createdAfter=0001-01-01T00:00:00Z&createdBefore=9999-12-31T23:59:59.999999999Z',
    `/v1/orders/${orders.PAID.toUpperCase()}`,
    `/v1/orders/%${orders.PAID.charCodeAt(0).toString(16)}${orders.PAID.slice(1)}`,
  ])('%s', async (path) => {
    expect((await rest(mesh.url, 'GET', path)).status).toBe(200);
  });

  test.each([
    ['after the year 9999', { seconds: 2n ** 62n }, 0],
    ['before the year 1', { seconds: -(2n ** 62n) }, placed.length],
    ['of more than a second of nanoseconds', { seconds: 1n, nanos: 2 ** 31 - 1 }, placed.length],
    ['of negative nanoseconds', { seconds: 1n, nanos: -(2 ** 31) }, placed.length],
  ])('orders after a time %s, which only binary can say', async (_title, createdAfter, count) => {
    const { searchOrders } = OrderQueryService.method;
    const request = create(searchOrders.input, { createdAfter });
    expect((await clients.query.answer(searchOrders, request)).orders).toHaveLength(count);
  });
});

describe('all that was refused', () => {
  test('has left the log as it was, and every order at its version', async () => {
    const accepted = statuses.flatMap((status) => journeys[status]);
    expect(await eventsInLog()).toBe(placed.length + accepted.length);
    for (const status of statuses) await expectView(status);
  });

  test('has ended no process and reached no log as an error', () => {
    expect(mesh.lines.filter((line) => / (ERROR|FATAL) |uncaught|unhandled/i.test(line))).toEqual(
      [],
    );
    const starts = mesh.lines.filter((line) => / starting pid=/.test(line));
    expect(starts).toHaveLength(processes.length);
  });
});
