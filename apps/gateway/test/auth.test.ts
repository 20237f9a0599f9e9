import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { identifyAs, issuerPolicy, openAccess, openVerifier } from '@ordermesh/auth';
import { startTestIssuer, type TestIssuer } from '@ordermesh/auth/testing';
import { OrderQueryService } from '@ordermesh/contract';
import { openRateLimits, type RateLimits } from '@ordermesh/rate-limit';
import { policy } from '@ordermesh/resilience';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SendOptions, type StubMesh, startStubMesh } from './stub-mesh.ts';

const customer = '5f1d3c1e-4a55-4d2b-9a43-0d4a6a1b7c11';
const orderId = '3f0c6a52-1d52-4a0c-8f5c-9a1f6f0b2c11';
const path = `/v1/orders/${orderId}`;
const connectPath = `/${OrderQueryService.typeName}/GetOrder`;
const tokenKey = randomBytes(32);
let issuer: TestIssuer;
let mesh: StubMesh | undefined;
beforeEach(async () => {
  issuer = await startTestIssuer();
});
afterEach(async () => {
  await mesh?.[Symbol.asyncDispose]();
  mesh = undefined;
  await issuer[Symbol.asyncDispose]();
});

/** A gateway with AUTH=jwt, and a service that has it too unless it trusts everybody. */
async function started({
  limits,
  isServiceOpen = false,
}: {
  limits?: RateLimits;
  isServiceOpen?: boolean;
} = {}): Promise<StubMesh> {
  const { issuer: iss, audience, jwksUrl } = issuer;
  const config = { issuer: iss, audience, jwksUrl, tokenKey };
  const guard = () => policy({ ...issuerPolicy, timeoutMs: 300 }).execute;
  mesh = await startStubMesh({
    ...(limits && { limits }),
    auth: {
      verifier: openVerifier(config, guard()),
      access: isServiceOpen ? undefined : openAccess(config, guard()),
      identify: identifyAs('gateway', tokenKey),
    },
  });
  mesh.script({ GetOrder: () => ({ order: { orderId, version: 1 } }) });
  return mesh;
}

const bearer = (token: string): SendOptions => ({ headers: { authorization: `Bearer ${token}` } });
const tokenOf = (scope: string, claims: Record<string, unknown> = {}) =>
  issuer.sign({ sub: customer, scope, ...claims });

describe('a request without a good token', () => {
  test.each([
    ['no token', async () => ({}), 'Bearer realm="ordermesh"'],
    ['another scheme', async () => ({ headers: { authorization: 'Basic YTpi' } }), undefined],
    ['an expired one', async () => bearer(await tokenOf('orders:read', { exp: 1 })), undefined],
    ['one for others', async () => bearer(await tokenOf('orders:read', { aud: 'x' })), undefined],
    ['an oversized one', async () => bearer('x'.repeat(8_000)), undefined],
  ])(
    '(%s) is answered 401 over REST and Connect, and goes no further',
    async (_, options, challenge) => {
      const { send, calls } = await started();
      const expected = challenge ?? 'Bearer realm="ordermesh", error="invalid_token"';
      const rest = await send('GET', path, await options());
      expect([rest.status, rest.headers.get('www-authenticate')]).toEqual([401, expected]);
      expect(rest.json).toMatchObject({
        type: 'urn:ordermesh:problem:UNAUTHENTICATED',
        code: 'UNAUTHENTICATED',
        instance: path,
      });
      const connect = await send('POST', connectPath, { ...(await options()), body: { orderId } });
      expect([connect.status, connect.json.code]).toEqual([401, 'unauthenticated']);
      expect(connect.headers.get('www-authenticate')).toBe(expected);
      expect(calls).toEqual([]);
    },
  );

  test('is what one with two tokens is, whichever of them is good', async () => {
    const { url, calls } = await started();
    const authorization = [`Bearer ${await tokenOf('orders:read')}`, 'Bearer x.y.z'];
    for (const both of [authorization, authorization.toReversed()]) {
      const status = await new Promise((resolve, reject) => {
        const asked = request(
          url + path,
          { headers: { authorization: both as never } },
          (answer) => {
            answer.resume();
            answer.once('close', () => resolve(answer.statusCode));
          },
        );
        asked.on('error', reject).setHeader('connection', 'close').end();
      });
      expect(status).toBe(401);
    }
    expect(calls).toEqual([]);
  });

  test('hears of nothing else that is wrong with it', async () => {
    const { send } = await started();
    const answers = [
      await send('POST', '/v1/orders', { body: 'no json' }),
      await send('GET', '/v1/orders/no-id'),
      await send('POST', '/v1/orders', { body: '{}', headers: { 'content-encoding': 'gzip' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
  });

  test('still hears that there is no such route', async () => {
    const { send } = await started();
    expect((await send('GET', '/v1/nothing')).status).toBe(404);
    expect((await send('DELETE', '/v1/orders')).status).toBe(405);
  });
});

describe('a request with a good token', () => {
  test('goes on with it: the service verifies it again and knows who calls, through whom', async () => {
    const { send, calls } = await started();
    const token = await tokenOf('orders:read');
    expect((await send('GET', path, bearer(token))).status).toBe(200);
    expect(calls[0]).toMatchObject({
      authorization: [`Bearer ${token}`],
      caller: { subject: customer, service: 'ordermesh-gateway' },
      clientAddress: '127.0.0.1',
    });
  });

  test('but without the scope is answered 403, which names it, and goes no further', async () => {
    const { send, calls } = await started({ isServiceOpen: true });
    const { status, headers, json } = await send(
      'GET',
      path,
      bearer(await tokenOf('orders:write')),
    );
    expect([status, json.reason]).toEqual([403, 'FORBIDDEN']);
    expect(headers.get('www-authenticate')).toBe(
      'Bearer realm="ordermesh", error="insufficient_scope", scope="orders:read"',
    );
    expect(calls).toEqual([]);
  });
});

describe('limits', () => {
  const policyOf = (name: string, by: 'address' | 'caller', limit: number) => ({
    name,
    by,
    quota: { kind: 'sliding-window' as const, limit, windowMs: 3_600_000 },
    mode: 'enforce' as const,
    onStoreLoss: 'local' as const,
  });
  const limitsOf = (...policies: ReturnType<typeof policyOf>[]) =>
    openRateLimits('gateway', {
      redisUrl: undefined,
      config: { policies, costs: {}, replicas: 1 },
    });

  test('count an address before its token is even verified', async () => {
    const { send } = await started({ limits: limitsOf(policyOf('address', 'address', 2)) });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await send('GET', path, bearer('x.y.z'))).status);
    expect(statuses).toEqual([401, 401, 429]);
  });

  test('count a subject wherever it calls from, and one apart from the other', async () => {
    const limits = limitsOf(policyOf('address', 'address', 9), policyOf('client', 'caller', 1));
    const { send } = await started({ limits });
    const ann = await tokenOf('orders:read');
    const bob = await tokenOf('orders:read', { sub: '0d9c8e42-6f1b-4a57-8a3e-2f5f0c1d7e64' });
    const from = (address: string, token: string) =>
      send('GET', path, {
        headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': address },
      });
    const first = await from('10.0.0.1', ann);
    expect(first.headers.get('ratelimit-policy')).toBe('"address";q=9;w=3600, "client";q=1;w=3600');
    const others = [await from('10.0.0.2', ann), await from('10.0.0.1', bob)];
    expect([first, ...others].map(({ status }) => status)).toEqual([200, 429, 200]);
  });
});

test('without the issuer’s keys the answer is 503 with Retry-After, and soon the issuer is left alone', async () => {
  issuer.become('broken');
  const { send } = await started();
  const token = await tokenOf('orders:read');
  for (let i = 0; i < 10; i++) {
    const { status, headers, json } = await send('GET', path, bearer(token));
    expect([status, json.reason]).toEqual([503, 'DEPENDENCY_UNAVAILABLE']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  // The service behind asked once, when it started.
  expect(issuer.fetches()).toBeLessThanOrEqual(issuerPolicy.failureThreshold + 4);
});

test('with authentication off a token is neither looked at nor passed on', async () => {
  mesh = await startStubMesh();
  mesh.script({ GetOrder: () => ({ order: { orderId, version: 1 } }) });
  expect((await mesh.send('GET', path, bearer('x'))).status).toBe(200);
  expect(mesh.calls[0]).toMatchObject({
    authorization: [],
    caller: { subject: 'anonymous', service: 'ordermesh-gateway' },
  });
});
