import { expect, test } from 'vitest';
import { parseRateLimitConfig } from './parse-config.ts';
import { defaultRateLimitConfig } from './policy.ts';

const parse = (value: unknown) => parseRateLimitConfig(JSON.stringify(value));
const client = { name: 'client', by: 'caller', burst: 500, perSecond: 50 };

test('reads the default as it would be written', () => {
  expect(parse({ policies: [client] })).toEqual(defaultRateLimitConfig);
});

test('reads windows, modes, routes, costs and replicas', () => {
  const hourly = { name: 'hourly', by: 'address', limit: 9, windowSeconds: 3600 };
  const config = parse({
    policies: [client, { ...hourly, mode: 'shadow', onStoreLoss: 'closed', routes: ['search'] }],
    costs: { search: 5 },
    replicas: 3,
  });
  expect(config?.policies[1]).toEqual({
    name: 'hourly',
    by: 'address',
    quota: { kind: 'sliding-window', limit: 9, windowMs: 3_600_000 },
    mode: 'shadow',
    onStoreLoss: 'closed',
    routes: ['search'],
  });
  expect([config?.costs, config?.replicas]).toEqual([{ search: 5 }, 3]);
});

test.each<[string, unknown]>([
  ['no object', []],
  ['no policies', {}],
  ['an unknown field', { policies: [client], burts: 1 }],
  ['an unknown field of a policy', { policies: [{ ...client, burts: 1 }] }],
  ['a policy without a name', { policies: [{ ...client, name: undefined }] }],
  ['a name that headers cannot hold', { policies: [{ ...client, name: 'a"b' }] }],
  ['two policies of one name', { policies: [client, client] }],
  ['an unknown subject', { policies: [{ ...client, by: 'cookie' }] }],
  ['an unknown mode', { policies: [{ ...client, mode: 'maybe' }] }],
  ['an unknown route class', { policies: [{ ...client, routes: ['pay'] }] }],
  ['bucket and window at once', { policies: [{ ...client, limit: 1, windowSeconds: 1 }] }],
  ['half a bucket', { policies: [{ ...client, perSecond: undefined }] }],
  ['a limit of none', { policies: [{ ...client, burst: 0 }] }],
  ['a limit that is no whole number', { policies: [{ ...client, burst: 1.5 }] }],
  ['a limit that is a text', { policies: [{ ...client, burst: '5' }] }],
  ['a cost of none', { policies: [client], costs: { search: 0 } }],
  ['a cost of an unknown class', { policies: [client], costs: { pay: 1 } }],
  ['no replicas', { policies: [client], replicas: 0 }],
])('refuses %s', (_, value) => {
  expect(parse(value)).toBeUndefined();
});

test('refuses what is no JSON', () => {
  expect(parseRateLimitConfig('{')).toBeUndefined();
});
