import { request as httpRequest } from 'node:http';
import { type Socket, connect as tcpConnect } from 'node:net';
import { text } from 'node:stream/consumers';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, StubMesh } from './stub-mesh.ts';
import { startStubMesh } from './stub-mesh.ts';

const id = '018f0000-0000-7000-8000-000000000001';
const limit = 256 * 1024;

let mesh: StubMesh;
beforeAll(async () => {
  mesh = await startStubMesh({ requestTimeoutMs: 5_000 });
});
afterAll(() => mesh[Symbol.asyncDispose]());

const view: Answer = () => ({ order: { orderId: id, version: 3 } });

/** Answers only when its call is cancelled; `aborted` is the time that its deadline still had. */
function hanging(): { answer: Answer; aborted: Promise<number>; entered: Promise<void> } {
  const aborted = Promise.withResolvers<number>();
  const entered = Promise.withResolvers<void>();
  const answer: Answer = (_request, call) => {
    entered.resolve();
    return new Promise((_resolve, reject) => {
      call.signal.addEventListener('abort', () => {
        aborted.resolve(call.remainingMs());
        reject(call.signal.reason);
      });
    });
  };
  return { answer, aborted: aborted.promise, entered: entered.promise };
}

/** A POST whose body is written piece by piece, without Content-Length. */
async function chunked(path: string, contentType: string, pieces: Iterable<string>) {
  const request = httpRequest(mesh.url + path, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': contentType },
  });
  const response = Promise.withResolvers<{ status: number; body: string }>();
  request.on('error', response.reject);
  request.on('response', async (answer) => {
    response.resolve({ status: answer.statusCode ?? 0, body: await text(answer) });
  });
  for (const piece of pieces) request.write(piece);
  request.end();
  return response.promise;
}

/** Sends raw bytes on a connection and answers everything that comes back until it closes. */
async function raw(bytes: string): Promise<string> {
  const socket = tcpConnect(mesh.port, '127.0.0.1');
  socket.write(bytes, 'latin1');
  return text(socket);
}

describe('a body', () => {
  const padded = (bytes: number) => {
    const frame = '{"reason":""}';
    return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
  };

  test('of exactly the limit is read', async () => {
    mesh.script({});
    const path = `/v1/orders/${id}/cancel`;
    const headers = { 'content-type': 'application/json' };
    const reply = await mesh.send('POST', path, { body: padded(limit), headers });
    // Too long for the field, so it was read.
    expect(reply.json).toMatchObject({ reason: 'INVALID_REQUEST', errors: [{ field: 'reason' }] });
  });

  test.each([limit + 1, 8 * 1024 * 1024])('of %i bytes is 413 by its length', async (bytes) => {
    const path = `/v1/orders/${id}/cancel`;
    const headers = { 'content-type': 'application/json' };
    const reply = await mesh.send('POST', path, { body: padded(bytes), headers });
    expect([reply.status, reply.json.reason]).toEqual([413, 'BODY_TOO_LARGE']);
  });

  test.each([
    ['/v1/orders', 'application/json', 413, 'BODY_TOO_LARGE'],
    [
      '/ordermesh.order.v1.OrderQueryService/GetOrder',
      'application/json',
      413,
      'resource_exhausted',
    ],
    [
      '/ordermesh.order.v1.OrderQueryService/GetOrder',
      'application/proto',
      413,
      'resource_exhausted',
    ],
    [
      '/ordermesh.order.v1.OrderQueryService/GetOrder',
      'application/grpc-web+proto',
      200,
      'grpc-status: 8',
    ],
  ])(
    'in chunks to %s as %s is refused when it passes the limit',
    async (path, type, status, says) => {
      const reply = await chunked(path, type, Array(40).fill('x'.repeat(16 * 1024)));
      expect(reply.status).toBe(status);
      expect(reply.body).toContain(says);
    },
  );

  test('that is too large may be sent to its end before the answer is read', async () => {
    const bytes = 32 * 1024 * 1024;
    const socket = tcpConnect(mesh.port, '127.0.0.1');
    const sent = Promise.withResolvers<void>();
    socket.on('error', sent.reject);
    const head = 'POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    socket.write(`${head}Content-Length: ${bytes}\r\n\r\n`);
    socket.write('x'.repeat(bytes));
    const next = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    socket.write(next, () => sent.resolve());
    await sent.promise;
    expect(await text(socket)).toMatch(/^HTTP\/1.1 413 .*HTTP\/1.1 404 /s);
  });

  test('in chunks within the limit is read', async () => {
    mesh.script({ CancelOrder: () => ({ order: { orderId: id } }) });
    const path = `/v1/orders/${id}/cancel`;
    const reply = await chunked(path, 'application/json', ['{"reas', 'on":"no', ' tea"}']);
    expect(reply.status).toBe(200);
    expect(mesh.calls[0]?.request).toMatchObject({ reason: 'no tea' });
  });
});

describe('bytes that are no request', () => {
  test.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['too large a header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'two lengths',
      'POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
      400,
    ],
    [
      'length and chunks',
      'POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a flood of headers', `GET / HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(5_000)}\r\n`, 431],
    [
      'a flood of chunk extensions',
      `POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(20_000)}\r\n{\r\n0\r\n\r\n`,
      400,
    ],
    [
      'a flood of trailers',
      `POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n${'a: b\r\n'.repeat(5_000)}\r\n`,
      431,
    ],
    ['a NUL in the path', 'GET /v1/orders/\0 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ])('(%s) are answered with a problem', async (_title, bytes, status) => {
    const reply = await raw(bytes);
    expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(reply).toContain('application/problem+json');
    expect(reply).not.toMatch(/HPE_|Parse Error|stack/);
  });
});

describe('a slow client', () => {
  let impatient: StubMesh;
  beforeAll(async () => {
    impatient = await startStubMesh({
      connections: { headersMs: 200, requestMs: 400, stalledMs: 600, maxConnections: 100 },
    });
  });
  afterAll(() => impatient[Symbol.asyncDispose]());

  /** Sends a byte now and then for as long as the connection lasts, so that it never stands still; answers what came back. */
  async function drip(begin: string): Promise<string> {
    const socket = tcpConnect(impatient.port, '127.0.0.1');
    socket.write(begin);
    const drops = setInterval(() => socket.write('x'), 20);
    socket.on('error', () => undefined); // a drop may meet the closed connection
    return text(socket).finally(() => clearInterval(drops));
  }
  const json = 'Content-Type: application/json\r\n';

  test.each([
    ['its headers', 'GET /v1/orders HTTP/1.1\r\nHost: x\r\nX: '],
    ['its body', `POST /v1/orders HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 99999\r\n\r\n`],
    [
      'a chunk',
      `POST /v1/orders HTTP/1.1\r\nHost: x\r\n${json}Transfer-Encoding: chunked\r\n\r\nffff\r\n`,
    ],
  ])('that drips %s is answered 408, and its connection is closed', async (_title, begin) => {
    const reply = await drip(begin);
    expect(reply).toMatch(/^HTTP\/1.1 408 /);
    expect(reply).toContain('application/problem+json');
  });

  test('that says nothing loses its connection', async () => {
    expect(await text(tcpConnect(impatient.port, '127.0.0.1'))).toMatch(/^(HTTP\/1.1 408 .*)?$/s);
  });

  test('that does not read its answers loses its connection', async () => {
    const socket = tcpConnect(impatient.port, '127.0.0.1');
    const lost = new Promise<void>((resolve) => socket.once('error', () => resolve()));
    socket.pause();
    // More than the kernel keeps for a connection.
    const ask = `GET /v1/orders HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(8);
    impatient.script({ SearchOrders: () => ({ nextPageToken: 'x'.repeat(3_000_000) }) });
    const asking = setInterval(() => socket.write(ask), 20);
    await lost.finally(() => clearInterval(asking));
    socket.destroy();
  });
});

test('connections beyond the limit are closed at once, and those that there are go on', async () => {
  await using full = await startStubMesh({
    connections: { headersMs: 10_000, requestMs: 15_000, stalledMs: 30_000, maxConnections: 2 },
  });
  const ask = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  const answered = (socket: Socket) =>
    new Promise<string>((resolve) => {
      socket.once('data', (data) => resolve(String(data)));
      socket.write(ask);
    });
  const sockets = [tcpConnect(full.port, '127.0.0.1'), tcpConnect(full.port, '127.0.0.1')];
  try {
    for (const socket of sockets) expect(await answered(socket)).toContain('404');
    expect(await text(tcpConnect(full.port, '127.0.0.1'))).toBe('');
    for (const socket of sockets) expect(await answered(socket)).toContain('404');
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

describe('the deadline', () => {
  test('travels on, 20 ms shorter', async () => {
    mesh.script({ GetOrder: view });
    const headers = { 'connect-timeout-ms': '900' };
    expect((await mesh.send('GET', `/v1/orders/${id}`, { headers })).status).toBe(200);
    expect(mesh.calls[0]?.remainingMs).toBeLessThanOrEqual(881);
    expect(mesh.calls[0]?.remainingMs).toBeGreaterThan(0);
  });

  test('cannot be raised above the gateway’s own', async () => {
    mesh.script({ GetOrder: view });
    const headers = { 'connect-timeout-ms': '9999999' };
    await mesh.send('GET', `/v1/orders/${id}`, { headers });
    expect(mesh.calls[0]?.remainingMs).toBeLessThanOrEqual(5_000);
  });

  test.each([
    ['GET', `/v1/orders/${id}`, {}],
    ['POST', '/ordermesh.order.v1.OrderQueryService/GetOrder', { body: { orderId: id } }],
  ])('that cannot be met is refused at once: %s %s', async (method, path, options) => {
    mesh.script({ GetOrder: view });
    const headers = { 'connect-timeout-ms': '25' };
    const reply = await mesh.send(method, path, { ...options, headers });
    expect(reply.status).toBe(504);
    expect(mesh.calls).toEqual([]);
  });

  test('ends a slow call with 504 and cancels it behind', async () => {
    const { answer, aborted } = hanging();
    mesh.script({ GetOrder: answer });
    const headers = { 'connect-timeout-ms': '300' };
    const reply = await mesh.send('GET', `/v1/orders/${id}`, { headers });
    expect(reply.json).toMatchObject({ status: 504, reason: 'DEADLINE_EXCEEDED' });
    await aborted;
  });
});

describe('a client that goes away', () => {
  test.each([
    ['GET', `/v1/orders/${id}`, ''],
    ['POST', '/ordermesh.order.v1.OrderQueryService/GetOrder', JSON.stringify({ orderId: id })],
  ])('cancels the call behind: %s %s', async (method, path, body) => {
    const { answer, aborted, entered } = hanging();
    mesh.script({ GetOrder: answer });
    const request = httpRequest(mesh.url + path, {
      method,
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    });
    request.on('error', () => {});
    request.end(body);
    await entered;
    request.destroy();
    expect(await aborted).toBeGreaterThan(0);
  });

  test('in the middle of its body leaves the server well', async () => {
    mesh.script({ GetOrder: view });
    const socket = tcpConnect(mesh.port, '127.0.0.1');
    const head = 'POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    await new Promise<void>((sent) =>
      socket.write(`${head}Content-Length: 99\r\n\r\n{`, () => sent()),
    );
    socket.destroy();
    await eventually(async () => (await mesh.send('GET', `/v1/orders/${id}`)).status === 200);
  });
});
