import { openRateLimits, type RateLimits } from '@ordermesh/rate-limit';
import { afterEach, expect, test } from 'vitest';
import { type StubMesh, startStubMesh } from './stub-mesh.ts';

const orderId = '3f0c6a52-1d52-4a0c-8f5c-9a1f6f0b2c11';
const customer = { customer: { customerId: orderId, name: 'Ada', email: 'ada@example.com' } };
let mesh: StubMesh | undefined;
afterEach(async () => {
  await mesh?.[Symbol.asyncDispose]();
  mesh = undefined;
});

/** A gateway that admits `limit` requests of a client in an hour; a search costs more than that. */
async function limitedTo(limit: number): Promise<StubMesh> {
  const limits: RateLimits = openRateLimits('gateway', {
    redisUrl: undefined,
    config: {
      policies: [
        {
          name: 'hourly',
          by: 'caller',
          quota: { kind: 'sliding-window', limit, windowMs: 3_600_000 },
          mode: 'enforce',
          onStoreLoss: 'local',
        },
      ],
      costs: { search: limit + 1 },
      replicas: 1,
    },
  });
  mesh = await startStubMesh({ limits });
  mesh.script({ GetCustomer: () => customer });
  return mesh;
}

const path = `/v1/customers/${orderId}`;

test('tells a client how much is left, and answers 429 with an honest Retry-After when nothing is', async () => {
  const { send, calls } = await limitedTo(1);
  const first = await send('GET', path);
  expect([first.status, first.headers.get('ratelimit-policy')]).toEqual([
    200,
    '"hourly";q=1;w=3600',
  ]);
  expect(first.headers.get('ratelimit')).toMatch(/^"hourly";r=0;t=3[56]\d\d$/);

  const second = await send('GET', path);
  expect(second.status).toBe(429);
  expect(second.headers.get('content-type')).toBe('application/problem+json');
  expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(3_590);
  expect(second.headers.get('ratelimit')).toBe(
    `"hourly";r=0;t=${second.headers.get('retry-after')}`,
  );
  expect(second.json).toMatchObject({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    status: 429,
    reason: 'RATE_LIMITED',
    code: 'RESOURCE_EXHAUSTED',
    'violated-policies': ['hourly'],
  });
  expect(calls).toHaveLength(1);
});

test('counts unknown routes as well', async () => {
  const { send } = await limitedTo(1);
  expect((await send('GET', '/v1/guess')).status).toBe(404);
  expect((await send('GET', '/v1/guess')).status).toBe(429);
});

test('a request that costs more than its limit ever allows is the client’s fault, and no matter of time', async () => {
  const { send } = await limitedTo(1);
  const reply = await send('GET', '/v1/orders');
  expect([reply.status, reply.json.reason]).toEqual([400, 'COST_EXCEEDS_LIMIT']);
  expect(reply.headers.get('retry-after')).toBeNull();
});

test('counts the clients of a trusted proxy apart, by what the proxy saw', async () => {
  const { send, calls } = await limitedTo(1);
  const from = (forwardedFor: string) =>
    send('GET', path, { headers: { 'x-forwarded-for': forwardedFor } });
  expect((await from('10.0.0.1')).status).toBe(200);
  expect((await from('10.0.0.2')).status).toBe(200);
  expect((await from('10.9.9.9, 10.0.0.2')).status).toBe(429);
  expect(calls.map(({ clientAddress }) => clientAddress)).toEqual(['10.0.0.1', '10.0.0.2']);
});

test('what is no address in the header is not sent on; the socket counts', async () => {
  const { send, calls } = await limitedTo(2);
  const reply = await send('GET', path, { headers: { 'x-forwarded-for': 'caf\u00e9' } });
  expect(reply.status).toBe(200);
  expect(calls.map(({ clientAddress }) => clientAddress)).toEqual(['127.0.0.1']);
});

test('speaks Connect to those who do', async () => {
  const { send } = await limitedTo(1);
  const call = () =>
    send('POST', '/ordermesh.customer.v1.CustomerService/GetCustomer', {
      body: { customerId: orderId },
    });
  expect((await call()).status).toBe(200);
  const refused = await call();
  expect([refused.status, refused.json.code]).toEqual([429, 'resource_exhausted']);
  const types = refused.json.details.map(({ type }: { type: string }) => type);
  expect(types).toEqual([
    'google.rpc.ErrorInfo',
    'google.rpc.QuotaFailure',
    'google.rpc.RetryInfo',
  ]);
});
