import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import './register.ts';
import * as grpc from '@grpc/grpc-js';
import { SpanKind } from '@opentelemetry/api';
import fastify from 'fastify';
import { activeTraceId } from './carry.ts';
import { setHttpRoute } from './http-route.ts';
import { inSpan } from './in-span.ts';
import { clearMemorySpans, memorySpans } from './running.ts';

const parentTraceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${parentTraceId}-b7ad6b7169203331-01`;

beforeEach(() => clearMemorySpans());
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The server's span ends after the answer has left, so a test must wait for it. */
async function spansOf(kind: SpanKind, count = 1) {
  await expect.poll(() => memorySpans().filter((span) => span.kind === kind).length).toBe(count);
  return memorySpans().filter((span) => span.kind === kind);
}

describe('an HTTP server', () => {
  async function startFastify() {
    const app = fastify();
    const seen: (string | undefined)[] = [];
    app.route({
      method: ['GET', 'POST'],
      url: '/*',
      handler: async () => {
        setHttpRoute('/v1/orders/{order_id}');
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(activeTraceId());
        return { ok: true };
      },
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    cleanups.push(() => app.close());
    return { url, seen };
  }

  test('runs its handlers, also behind a parsed body, in a span that continues the trace of the caller', async () => {
    const { url, seen } = await startFastify();
    await fetch(`${url}/v1/orders/7`, {
      method: 'POST',
      body: JSON.stringify({ a: 1 }),
      headers: { traceparent, 'content-type': 'application/json' },
    });
    const [span] = await spansOf(SpanKind.SERVER);
    expect(seen).toEqual([parentTraceId]);
    expect(span?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
    expect(span?.name).toBe('POST /v1/orders/{order_id}');
    expect(span?.attributes['http.route']).toBe('/v1/orders/{order_id}');
  });

  test('records neither query strings nor addresses of callers', async () => {
    const { url } = await startFastify();
    await fetch(`${url}/v1/orders?query=ada%40example.org`, {
      headers: { 'x-forwarded-for': '203.0.113.7' },
    });
    const [span] = await spansOf(SpanKind.SERVER);
    expect(span?.attributes['url.path']).toBe('/v1/orders');
    expect(JSON.stringify(span?.attributes)).not.toMatch(/ada|203\.0\.113\.7|peer/);
    expect(Object.keys(span?.attributes ?? {})).not.toContain('url.query');
  });

  test.each(['/livez', '/readyz?verbose', '/metrics'])('makes no span for %s', async (path) => {
    const { url, seen } = await startFastify();
    await fetch(url + path);
    await fetch(`${url}/after`);
    const spans = await spansOf(SpanKind.SERVER);
    expect(spans[0]?.attributes['url.path']).toBe('/after');
    expect(seen[0]).toBeUndefined();
  });
});

describe('an outgoing HTTP request', () => {
  test('sends the traceparent of its span and records the URL without the query', async () => {
    let received: string | undefined;
    const server = createServer((request, response) => {
      received = request.headers.traceparent as string;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    await inSpan('caller', {}, async () => {
      const done = Promise.withResolvers<void>();
      get(`http://127.0.0.1:${port}/keys?token=hunter2`, (response) => {
        response.resume().on('end', done.resolve);
      });
      await done.promise;
    });
    const [span] = await spansOf(SpanKind.CLIENT);
    expect(received).toContain(span?.spanContext().spanId);
    expect(span?.attributes['url.full']).toBe(`http://127.0.0.1:${port}/keys`);
  });
});

describe('a gRPC call', () => {
  const json = {
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: unknown) => Buffer.from(JSON.stringify(value)),
    requestDeserialize: (bytes: Buffer) => JSON.parse(bytes.toString()),
    responseSerialize: (value: unknown) => Buffer.from(JSON.stringify(value)),
    responseDeserialize: (bytes: Buffer) => JSON.parse(bytes.toString()),
  };
  const service = {
    echo: { ...json, path: '/test.Echo/Echo', originalName: 'echo' },
    check: { ...json, path: '/grpc.health.v1.Health/Check', originalName: 'check' },
  };

  async function startEcho() {
    const server = new grpc.Server();
    const answer = (_call: unknown, callback: grpc.sendUnaryData<unknown>) =>
      callback(null, { traceId: trace.getActiveSpan()?.spanContext().traceId });
    server.addService(service, { echo: answer, check: answer });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const Client = grpc.makeGenericClientConstructor(service, 'test.Echo');
    const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    cleanups.push(
      () => server.forceShutdown(),
      () => client.close(),
    );
    return (method: 'echo' | 'check') =>
      new Promise<{ traceId?: string }>((resolve, reject) =>
        client[method]?.({}, (error: Error | null, value: { traceId?: string }) =>
          error ? reject(error) : resolve(value),
        ),
      );
  }

  test('carries the trace from the client span to the handler', async () => {
    const call = await startEcho();
    const { answer, own } = await inSpan('caller', {}, async (span) => ({
      answer: await call('echo'),
      own: span.spanContext(),
    }));
    const [client] = await spansOf(SpanKind.CLIENT);
    const [server] = await spansOf(SpanKind.SERVER);
    expect(answer.traceId).toBe(own.traceId);
    expect(client?.parentSpanContext?.spanId).toBe(own.spanId);
    expect(server?.parentSpanContext?.spanId).toBe(client?.spanContext().spanId);
  });

  test('of a health check makes no span on either side', async () => {
    const call = await startEcho();
    await call('check');
    await call('echo');
    const names = [...(await spansOf(SpanKind.CLIENT)), ...(await spansOf(SpanKind.SERVER))];
    expect(names.map((span) => span.name)).toEqual(['grpc.test.Echo/Echo', 'grpc.test.Echo/Echo']);
  });
});
