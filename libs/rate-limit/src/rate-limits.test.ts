import { describe, expect, test } from 'vitest';
import { memoryLimiter } from './memory/memory-limiter.ts';
import { type RateLimitConfig, type RatePolicy, routeClass } from './policy.ts';
import type { Limiter } from './quota.ts';
import { type RateLimitedRequest, rateLimits } from './rate-limits.ts';

const policy = (name: string, limit: number, rest: Partial<RatePolicy> = {}): RatePolicy => ({
  name,
  by: 'caller',
  quota: { kind: 'sliding-window', limit, windowMs: 60_000 },
  mode: 'enforce',
  onStoreLoss: 'local',
  ...rest,
});
const request = (rest: Partial<RateLimitedRequest> = {}): RateLimitedRequest => ({
  address: '10.0.0.1',
  route: 'get',
  ...rest,
});

function limits(
  policies: readonly RatePolicy[],
  { costs = {}, wrap = (limiter: Limiter) => limiter }: LimitsOptions = {},
) {
  const config: RateLimitConfig = { policies, costs, replicas: 1 };
  const limiter = wrap(memoryLimiter({ clock: () => 0 }));
  return rateLimits('test', config, { limiter, isShared: () => true });
}

interface LimitsOptions {
  readonly costs?: RateLimitConfig['costs'];
  readonly wrap?: (limiter: Limiter) => Limiter;
}

describe('rateLimits()', () => {
  test('admits up to the limit and then says which policy refused, and until when', async () => {
    const { admit } = limits([policy('minute', 1), policy('wide', 5)]);
    expect((await admit(request())).headers).toEqual({
      'ratelimit-policy': '"minute";q=1;w=60, "wide";q=5;w=60',
      ratelimit: '"minute";r=0;t=61, "wide";r=4;t=61',
    });
    const { refusal, headers } = await admit(request());
    expect(refusal).toMatchObject({
      reason: 'RATE_LIMITED',
      retryAfterMs: 61_000,
      metadata: { policies: 'minute' },
    });
    expect(headers.ratelimit).toBe('"minute";r=0;t=61, "wide";r=4;t=61');
  });

  test('counts a caller by its subject whatever its address, and anonymous ones by address', async () => {
    const { admit } = limits([policy('minute', 1)]);
    const refused = async (one: Partial<RateLimitedRequest>) =>
      (await admit(request(one))).refusal !== undefined;
    expect(await refused({ caller: 'ada', address: '10.0.0.1' })).toBe(false);
    expect(await refused({ caller: 'ada', address: '10.0.0.2' })).toBe(true);
    expect(await refused({ address: '10.0.0.2' })).toBe(false);
    expect(await refused({ address: '10.0.0.3' })).toBe(false);
    // A caller that calls itself like an address is no address.
    expect(await refused({ caller: '10.0.0.3' })).toBe(false);
  });

  test('counts by address even those who say who they are', async () => {
    const { admit } = limits([policy('minute', 1, { by: 'address' })]);
    await admit(request({ caller: 'ada' }));
    expect((await admit(request({ caller: 'bob' }))).refusal).toBeDefined();
  });

  test('can hold addresses to theirs before it is known who calls, and callers to theirs after', async () => {
    const { admit } = limits([policy('address', 1, { by: 'address' }), policy('client', 1)]);
    const first = await admit(request({ by: 'address' }));
    expect(first.headers['ratelimit-policy']).toBe('"address";q=1;w=60');
    const second = await admit(request({ by: 'caller', caller: 'ann' }));
    expect([second.refusal, second.headers['ratelimit-policy']]).toEqual([
      undefined,
      '"client";q=1;w=60',
    ]);
    expect((await admit(request({ by: 'address' }))).refusal).toBeDefined();
    expect((await admit(request({ by: 'caller', caller: 'bob' }))).refusal).toBeUndefined();
  });

  test('counts each class of routes apart, or only some, where the policy says so', async () => {
    const { admit } = limits([
      policy('each', 1, { by: 'caller-and-route' }),
      policy('searches', 1, { routes: ['search'] }),
    ]);
    expect((await admit(request({ route: 'get' }))).headers['ratelimit-policy']).not.toMatch(
      'searches',
    );
    expect((await admit(request({ route: 'search' }))).refusal).toBeUndefined();
    expect((await admit(request({ route: 'search' }))).refusal?.metadata.policies).toBe(
      'each,searches',
    );
  });

  test('charges what a class of routes costs, and refuses for good what costs more than the limit', async () => {
    const { admit } = limits([policy('minute', 10)], { costs: { search: 6, list: 11 } });
    expect((await admit(request({ route: 'search' }))).refusal).toBeUndefined();
    expect((await admit(request({ route: 'search' }))).refusal?.reason).toBe('RATE_LIMITED');
    const { refusal } = await admit(request({ route: 'list' }));
    expect(refusal?.reason).toBe('COST_EXCEEDS_LIMIT');
    expect(refusal?.retryAfterMs).toBeUndefined();
  });

  test('a policy in shadow mode refuses nobody and shows nothing; one that is off counts nothing', async () => {
    const { admit } = limits([
      policy('shadow', 1, { mode: 'shadow' }),
      policy('off', 1, { mode: 'off' }),
    ]);
    for (let i = 0; i < 3; i++)
      expect(await admit(request())).toEqual({ refusal: undefined, headers: {} });
  });

  test('a policy that fails closed answers 503 while the shared counters are lost', async () => {
    const lost: LimitsOptions = {
      wrap: ({ take }) => ({
        take: async (charges) => ({ ...(await take(charges)), isLocal: true }),
      }),
    };
    const open = limits([policy('open', 1)], lost);
    expect((await open.admit(request())).refusal).toBeUndefined();
    const closed = limits([policy('closed', 1, { onStoreLoss: 'closed' })], lost);
    expect((await closed.admit(request())).refusal).toMatchObject({
      reason: 'DEPENDENCY_UNAVAILABLE',
      retryAfterMs: 1000,
    });
  });
});

test.each([
  ['GetOrder', 'get'],
  ['BatchGetCustomers', 'get'],
  ['ListOrderEvents', 'list'],
  ['ReadLog', 'list'],
  ['SearchOrders', 'search'],
  ['CreateOrder', 'command'],
  ['RegisterCustomer', 'command'],
])('takes %s for a %s', (method, expected) => {
  expect(routeClass(method)).toBe(expected);
});
