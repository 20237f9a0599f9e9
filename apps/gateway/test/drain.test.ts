import { openRateLimits } from '@ordermesh/rate-limit';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { serveEdge } from '../src/serve-edge.ts';
import { type Answer, startStubMesh } from './stub-mesh.ts';

const id = '018f0000-0000-7000-8000-000000000001';

/** An answer that waits until the test releases it. */
function held(): { answer: Answer; entered: Promise<void>; release: () => void } {
  const entered = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const answer: Answer = async () => {
    entered.resolve();
    await released.promise;
    return { order: { orderId: id } };
  };
  return { answer, entered: entered.promise, release: released.resolve };
}

test('draining finishes running requests and takes no new ones', async () => {
  await using mesh = await startStubMesh({ drainMs: 10_000 });
  const { answer, entered, release } = held();
  mesh.script({ GetOrder: answer });
  const running = mesh.send('GET', `/v1/orders/${id}`);
  await entered;
  const closed = mesh.edge[Symbol.asyncDispose]();
  await expect(mesh.send('GET', '/')).rejects.toThrow();
  release();
  expect((await running).status).toBe(200);
  await closed;
});

test('DRAIN_DELAY leaves time to drain', () => {
  expect(() => readConfig({ DRAIN_DELAY: '10s' })).toThrow(/DRAIN_DELAY is 10000 ms; .*shorter/);
  expect(readConfig({ DRAIN_DELAY: '10s', DRAIN_TIMEOUT: '15s' }).drainDelayMs).toBe(10_000);
});

test('before it drains it goes on accepting, and each answer ends its connection', async () => {
  const noticed = Promise.withResolvers<void>();
  await using mesh = await startStubMesh({ beforeDrain: () => noticed.promise });
  mesh.script({ GetOrder: async () => ({ order: { orderId: id } }) });
  const keepAlive = { headers: { connection: 'keep-alive' } };
  const send = () => mesh.send('GET', `/v1/orders/${id}`, keepAlive);
  expect((await send()).headers.get('connection')).toBe('keep-alive');
  const closed = mesh.edge[Symbol.asyncDispose]();
  const { status, headers } = await send();
  expect([status, headers.get('connection')]).toEqual([200, 'close']);
  const connect = await mesh.send('POST', '/ordermesh.order.v1.OrderQueryService/GetOrder', {
    ...keepAlive,
    body: { orderId: id },
  });
  expect([connect.status, connect.headers.get('connection')]).toEqual([200, 'close']);
  const refused = await mesh.send('POST', '/v1/orders', {
    headers: { ...keepAlive.headers, 'content-encoding': 'gzip' },
    body: {},
  });
  expect([refused.status, refused.headers.get('connection')]).toEqual([415, 'close']);
  noticed.resolve();
  await closed;
  await expect(send()).rejects.toThrow();
});

test('draining closes kept connections as soon as they are idle', async () => {
  await using mesh = await startStubMesh({ drainMs: 10_000 });
  const { answer, entered, release } = held();
  mesh.script({ GetOrder: answer });
  const running = mesh.send('GET', `/v1/orders/${id}`, { headers: { connection: 'keep-alive' } });
  await entered;
  const started = performance.now();
  const closed = mesh.edge[Symbol.asyncDispose]();
  release();
  await running;
  await closed;
  expect(performance.now() - started).toBeLessThan(8_000);
});

test('draining cuts what outlasts its time', async () => {
  await using mesh = await startStubMesh({ drainMs: 100 });
  const { answer, entered, release } = held();
  mesh.script({ GetOrder: answer });
  const running = expect(mesh.send('GET', `/v1/orders/${id}`)).rejects.toThrow();
  await entered;
  await mesh.edge[Symbol.asyncDispose]();
  await running;
  release();
});

test('a taken port is one clear line that names the variable', async () => {
  await using mesh = await startStubMesh();
  const options = {
    host: '127.0.0.1',
    port: mesh.port,
    methods: [],
    forward: () => Promise.reject(new Error('not called')),
    requestTimeoutMs: 1_000,
    limits: openRateLimits('gateway', undefined),
    trustedProxyCount: 0,
  };
  await expect(serveEdge(options)).rejects.toMatchObject({
    name: 'ListenError',
    lines: [expect.stringContaining(`GATEWAY_PORT: 127.0.0.1:${mesh.port} is already in use`)],
  });
});
