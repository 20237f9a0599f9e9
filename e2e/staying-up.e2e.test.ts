import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  ConfirmOrderRequestSchema,
  GetOrderRequestSchema,
  OrderCommandService,
  OrderQueryService,
} from '@ordermesh/contract';
import { eventually, frozen, processTree } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderRequest, rest } from './support/api.ts';
import { holdTable, postmaster, rowsOf } from './support/database.ts';
import { grpcClient } from './support/grpc-client.ts';
import { type Mesh, type ProcessName, startMesh } from './support/mesh.ts';

/** The default: what a client may send at once, and in each second after. */
const burst = 500;
const perSecond = 50;
/** Asked at the same time. More than a second's worth, so that any machine gets ahead of the refill. */
const round = 100;

let mesh: Mesh;
beforeAll(async () => {
  mesh = await startMesh({ env: { RATE_LIMIT: 'on', TRUSTED_PROXY_COUNT: '1' } });
});
afterAll(() => mesh?.[Symbol.asyncDispose]());

/** Asks until it is refused, and says how often it was not and what the refusal was. */
async function untilRefused<T>(ask: () => Promise<T>, isRefusal: (answer: T) => boolean) {
  const started = performance.now();
  for (let admitted = 0; ; ) {
    const answers = await Promise.all(Array.from({ length: round }, ask));
    const refusal = answers.find(isRefusal);
    admitted += answers.filter((answer) => !isRefusal(answer)).length;
    const mostByNow = burst + (perSecond * (performance.now() - started)) / 1000 + 1;
    expect(admitted).toBeLessThanOrEqual(mostByNow);
    if (refusal !== undefined) return { admitted, refusal };
  }
}

const getAs = (client: string) =>
  rest(mesh.url, 'GET', `/v1/orders/${randomUUID()}`, undefined, { 'x-forwarded-for': client });

test('a client that is too fast hears 429 and when to come back, and the others notice nothing', async () => {
  const { admitted, refusal } = await untilRefused(
    () => getAs('198.51.100.1'),
    ({ status }) => status === 429,
  );
  expect(admitted).toBeGreaterThanOrEqual(burst);
  expect(refusal.body).toMatchObject({ reason: 'RATE_LIMITED', 'violated-policies': ['client'] });
  expect(refusal.headers.get('ratelimit-policy')).toBe('"client";q=500;w=10');
  expect(refusal.headers.get('retry-after')).toMatch(/^\d+$/);
  expect((await getAs('198.51.100.2')).status).toBe(404);
  const limits = await (await fetch(`${mesh.admin.gateway}/limits`)).json();
  expect(limits).toMatchObject({ store: 'local', policies: [{ name: 'client' }] });
});

test.each([
  ['command', OrderCommandService.method.confirmOrder, ConfirmOrderRequestSchema],
  ['query', OrderQueryService.method.getOrder, GetOrderRequestSchema],
] as const)(
  'a gRPC caller of %s that is too fast hears RESOURCE_EXHAUSTED and when to come back',
  async (name, method, schema) => {
    using client = grpcClient(mesh.address[name]);
    const { admitted, refusal } = await untilRefused(
      () => client.refusal(method as never, create(schema, { orderId: randomUUID() }) as never),
      ({ code }) => code === 'RESOURCE_EXHAUSTED',
    );
    expect(admitted).toBeGreaterThanOrEqual(burst);
    expect(refusal).toMatchObject({ reason: 'RATE_LIMITED', metadata: { policies: 'client' } });
    expect(refusal.retryAfter).toBeGreaterThanOrEqual(0);
  },
);

const breakers = async (of: ProcessName) => {
  const { breakers } = (await (await fetch(`${mesh.admin[of]}/breakers`)).json()) as {
    breakers: { name: string; state: string }[];
  };
  return Object.fromEntries(breakers.map(({ name, state }) => [name, state]));
};

test('every process shows the circuits to what it calls', async () => {
  const state = 'closed';
  expect(await breakers('gateway')).toEqual({ command: state, query: state, customer: state });
  expect(await breakers('query')).toEqual({ postgresql: state });
  expect(await breakers('projector')).toEqual({ customer: state });
});

test.each([
  ['gateway', 'query'],
  ['query', 'postgresql'],
] as const)(
  'while the %s’s circuit to %s is held open, reads alone are refused, with a time to come back',
  async (of, name) => {
    const headers = { 'x-forwarded-for': `198.51.100.${of.length}` };
    const created = await rest(mesh.url, 'POST', '/v1/orders', orderRequest(), headers);
    const { orderId } = created.body.order;
    const read = () =>
      rest(mesh.url, 'GET', `/v1/orders/${orderId}?minVersion=1`, undefined, headers);
    expect((await read()).status).toBe(200);
    const turn = (verb: 'isolate' | 'release') =>
      fetch(`${mesh.admin[of]}/breakers/${name}/${verb}`, { method: 'POST' });
    expect((await turn('isolate')).status).toBe(200);
    try {
      const refused = await read();
      expect([refused.status, refused.body.reason]).toEqual([503, 'DEPENDENCY_UNAVAILABLE']);
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      const other = await rest(mesh.url, 'POST', '/v1/orders', orderRequest(), headers);
      expect(other.status).toBe(201);
      expect((await breakers(of))[name]).toBe('open');
    } finally {
      await turn('release');
    }
    expect((await read()).status).toBe(200);
  },
);

describe('when the views hang, nothing works on', () => {
  const path = `/v1/orders/${randomUUID()}`;
  const running = async (of: ProcessName) => {
    const text = await (await fetch(`${mesh.admin[of]}/metrics`)).text();
    return /^ordermesh_requests_running(?:\{.*\})? (\d+)/m.exec(text)?.[1];
  };
  /** Neither a statement of the query service nor a call between the processes. */
  const idle = async (table: { left(name: string): Promise<void> }) => {
    await table.left('query');
    await eventually(async () => (await running('query')) === '0');
    await eventually(async () => (await running('gateway')) === '0');
  };

  test('after the 300 ms that a client allows, three hops away', async () => {
    await using table = await holdTable(mesh.dataDir, 'ordermesh_view', 'order_view');
    const headers = { 'x-forwarded-for': '198.51.100.3', 'connect-timeout-ms': '300' };
    const answers = Array.from({ length: 3 }, () =>
      rest(mesh.url, 'GET', path, undefined, headers),
    );
    for (const { status, body } of await Promise.all(answers))
      expect([status, body.reason]).toEqual([504, 'DEADLINE_EXCEEDED']);
    await idle(table);
  });

  test('after 300 ms, when the server itself stands still', async () => {
    const headers = { 'x-forwarded-for': '198.51.100.3', 'connect-timeout-ms': '300' };
    const read = () => rest(mesh.url, 'GET', path, undefined, headers);
    {
      using _still = frozen(processTree(postmaster(mesh.dataDir).pid));
      for (const { status, body } of await Promise.all([read(), read(), read()]))
        expect([status, body.reason]).toEqual([504, 'DEADLINE_EXCEEDED']);
      for (const name of ['query', 'gateway'] as const)
        await eventually(async () => (await running(name)) === '0');
    }
    const text = `SELECT pid FROM pg_stat_activity
      WHERE application_name = 'ordermesh-query' AND state = 'active'`;
    await eventually(async () => (await rowsOf(mesh.dataDir, 'ordermesh_view', text)).length === 0);
    await eventually(async () => (await read()).status === 404);
  });

  test('for a client that has gone', async () => {
    await using table = await holdTable(mesh.dataDir, 'ordermesh_view', 'order_view');
    const client = new AbortController();
    const headers = { 'x-forwarded-for': '198.51.100.3' };
    const gone = rest(mesh.url, 'GET', path, undefined, headers, client.signal).catch(() => 'gone');
    await table.waiting('query', 1);
    expect(await running('query')).toBe('1');
    client.abort();
    expect(await gone).toBe('gone');
    await idle(table);
  });
});
