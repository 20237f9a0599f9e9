import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runChild } from './run-child.ts';

interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The least collector: keeps what it is sent, and answers unless told not to. */
async function startCollector(options = { answers: true }) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    received.push({ url: request.url ?? '', headers: request.headers, body });
    if (options.answers) response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { received, env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } };
}

const program = `
  const { carry, contextFrom, flushTelemetry, inSpan } = await import('@ordermesh/telemetry');
  const parent = contextFrom(process.env.PARENT);
  const { traceparent } = await inSpan('create orders', { parent }, () => carry());
  const startedAt = performance.now();
  await flushTelemetry(Number(process.env.FLUSH_MS ?? 3000));
  console.log(JSON.stringify({ traceparent, flushMs: performance.now() - startedAt }));
`;
const reported = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

describe('traces over OTLP', () => {
  test('go out as JSON with hex ids for http/json', async () => {
    const { received, env } = await startCollector();
    const { stdout } = await runChild(program, {
      env: {
        ...env,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_SERVICE_NAME: 'ordermesh-test',
      },
    });
    const [, traceId, spanId] = reported(stdout).traceparent.split('-');
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      url: '/v1/traces',
      headers: { 'content-type': 'application/json' },
    });
    const { resourceSpans } = JSON.parse(received[0]?.body.toString() ?? '');
    expect(resourceSpans[0].resource.attributes).toContainEqual({
      key: 'service.name',
      value: { stringValue: 'ordermesh-test' },
    });
    expect(resourceSpans[0].scopeSpans[0].spans).toMatchObject([
      { traceId, spanId, name: 'create orders' },
    ]);
  });

  test.each([{}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }])(
    'go out as protobuf with %j',
    async (extra) => {
      const { received, env } = await startCollector();
      const { stdout } = await runChild(program, { env: { ...env, ...extra } });
      const [, traceId] = reported(stdout).traceparent.split('-');
      expect(received[0]?.headers['content-type']).toBe('application/x-protobuf');
      expect(received[0]?.body.includes(Buffer.from('create orders'))).toBe(true);
      expect(received[0]?.body.includes(Buffer.from(traceId, 'hex'))).toBe(true);
      expect(stdout.includes('"grpc\\" is not supported')).toBe(
        'OTEL_EXPORTER_OTLP_PROTOCOL' in extra,
      );
    },
  );

  test('are not sent for an unsampled parent, whose decision is carried on', async () => {
    const { received, env } = await startCollector();
    const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    const { stdout } = await runChild(program, { env: { ...env, PARENT } });
    expect(reported(stdout).traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-.*-00$/);
    expect(received).toEqual([]);
  });

  test('are not sent with OTEL_SDK_DISABLED, but trace ids still exist', async () => {
    const { received, env } = await startCollector();
    const { stdout } = await runChild(program, { env: { ...env, OTEL_SDK_DISABLED: 'true' } });
    expect(reported(stdout).traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(received).toEqual([]);
  });

  test('do not hold up the end of a process when the collector is silent', async () => {
    const { received, env } = await startCollector({ answers: false });
    const { stdout, code } = await runChild(`${program}; process.exit(0)`, {
      env: { ...env, FLUSH_MS: '300' },
    });
    expect(code).toBe(0);
    expect(received).toHaveLength(1);
    expect(reported(stdout).flushMs).toBeLessThan(3000);
  });
});

describe('TRUST_INBOUND_TRACEPARENT=off', () => {
  test('starts a new trace for an HTTP caller and links to the trace of the caller', async () => {
    const { stdout } = await runChild(
      `
      import { createServer } from 'node:http';
      import { memorySpans } from '@ordermesh/telemetry';
      const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1', async () => {
        const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        await fetch('http://127.0.0.1:' + server.address().port, { headers: { traceparent } });
        while (memorySpans().length === 0) await new Promise((resolve) => setImmediate(resolve));
        const [span] = memorySpans();
        const links = span.links.map((link) => [link.context.traceId, link.attributes]);
        console.log(JSON.stringify({ traceId: span.spanContext().traceId, root: !span.parentSpanContext, links }));
        process.exit();
      });
    `,
      { env: { OTEL_MEMORY: '1', TRUST_INBOUND_TRACEPARENT: 'off' } },
    );
    const { traceId, root, links } = reported(stdout);
    expect(root).toBe(true);
    expect(traceId).not.toBe('0af7651916cd43dd8448eb211c80319c');
    expect(links).toEqual([
      ['0af7651916cd43dd8448eb211c80319c', { 'ordermesh.link': 'untrusted_parent' }],
    ]);
  });
});
