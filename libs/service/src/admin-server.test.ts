import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AdminRoute } from './admin-route.ts';
import { type AdminOptions, serveAdmin } from './admin-server.ts';
import { ListenError } from './startup-error.ts';

async function start(options: Partial<AdminOptions> = {}) {
  const admin = await serveAdmin({
    host: '127.0.0.1',
    port: 0,
    portVariable: 'DEMO_ADMIN_PORT',
    life: { state: 'ready' },
    ...options,
  });
  onTestFinished(() => admin[Symbol.asyncDispose]());
  const request = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${admin.port}${path}`, init);
  return { admin, request };
}

describe('/livez', () => {
  test('answers 200 whatever the state and the checks', async () => {
    const { request } = await start({
      life: { state: 'stopping' },
      checks: { down: () => Promise.reject(new Error('down')) },
    });
    expect((await request('/livez')).status).toBe(200);
  });
});

describe('/readyz', () => {
  test('answers 200 when ready and all checks pass, naming each', async () => {
    const { request } = await start({ checks: { postgres: () => {}, kafka: async () => {} } });
    const response = await request('/readyz');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      ready: true,
      state: 'ready',
      checks: { postgres: { ok: true }, kafka: { ok: true } },
    });
  });

  test.each(['starting', 'stopping'] as const)('answers 503 while %s', async (state) => {
    const { request } = await start({ life: { state } });
    const response = await request('/readyz');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ ready: false, state });
  });

  test('answers 503 and says which check failed and why', async () => {
    const { request } = await start({
      checks: {
        ok: () => {},
        rejects: () => Promise.reject(new Error('no leader')),
        throws: () => {
          throw new Error('thrown');
        },
      },
    });
    const response = await request('/readyz');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      checks: {
        ok: { ok: true },
        rejects: { ok: false, error: 'no leader' },
        throws: { ok: false, error: 'thrown' },
      },
    });
  });

  test('gives a check that does not settle one second, and aborts its signal', async () => {
    let aborted = false;
    const { request } = await start({
      checks: {
        silent: (signal) => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
          return new Promise(() => {});
        },
      },
    });
    const response = await request('/readyz');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      checks: { silent: { ok: false, error: 'no answer within 1000 ms' } },
    });
    expect(aborted).toBe(true);
  });
});

describe('/metrics', () => {
  test('answers the Prometheus text', async () => {
    const { request } = await start();
    const response = await request('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toContain('ordermesh_telemetry_grpc_patched 1');
  });
});

describe('further routes', () => {
  const routes: AdminRoute[] = [
    { method: 'GET', path: '/breakers', handle: () => ({ status: 200, body: { breakers: [] } }) },
    {
      method: 'POST',
      path: '/faults',
      loopbackOnly: true,
      handle: (body) => ({ status: 202, body }),
    },
    {
      method: 'GET',
      path: '/broken',
      handle: () => {
        throw new Error('secret detail');
      },
    },
  ];

  test('get the JSON body and answer with status and body', async () => {
    const { request } = await start({ routes });
    expect(await (await request('/breakers?x=1')).json()).toEqual({ breakers: [] });
    const posted = await request('/faults', { method: 'POST', body: '{"latencyMs":5}' });
    expect(posted.status).toBe(202);
    expect(await posted.json()).toEqual({ latencyMs: 5 });
  });

  test('answer 404 for an unknown path and 405 with Allow for a wrong method', async () => {
    const { request } = await start({ routes });
    expect((await request('/nothing')).status).toBe(404);
    const wrong = await request('/faults');
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('POST');
    expect((await request('/livez', { method: 'POST' })).status).toBe(405);
    expect((await request('/livez', { method: 'HEAD' })).status).toBe(200);
  });

  test('answer 400 for a body that is not JSON and 413 for one over 64 KiB', async () => {
    const { request } = await start({ routes });
    const post = (body: string) => request('/faults', { method: 'POST', body });
    expect((await post('{')).status).toBe(400);
    expect((await post(JSON.stringify('x'.repeat(64 * 1024 - 2)))).status).toBe(202);
    expect((await post(JSON.stringify('x'.repeat(64 * 1024 - 1)))).status).toBe(413);
  });

  test('answer 500 without detail when they throw', async () => {
    const { request } = await start({ routes });
    const response = await request('/broken');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret detail');
  });

  test('that are for this machine only refuse web pages', async () => {
    const { request } = await start({ routes });
    const headers = { origin: 'http://evil.example' };
    expect((await request('/faults', { method: 'POST', body: '{}', headers })).status).toBe(403);
  });
});

describe('the server', () => {
  test('refuses a taken port with a line that names variable and port', async () => {
    const { admin } = await start();
    const again = start({ port: admin.port });
    await expect(again).rejects.toBeInstanceOf(ListenError);
    await expect(again).rejects.toThrow(
      `DEMO_ADMIN_PORT: 127.0.0.1:${admin.port} is already in use`,
    );
  });

  test('closes although clients hold idle and half-sent connections open', async () => {
    const { admin } = await start();
    const idle = connect(admin.port, '127.0.0.1');
    const halfSent = connect(admin.port, '127.0.0.1');
    onTestFinished(() => {
      idle.destroy();
      halfSent.destroy();
    });
    const answered = new Promise((resolve) => idle.once('data', resolve));
    idle.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise<void>((resolve) =>
      halfSent.write('POST /livez HTTP/1.1\r\nHost: x\r\n', () => resolve()),
    );
    await answered;
    await admin[Symbol.asyncDispose]();
  });
});
