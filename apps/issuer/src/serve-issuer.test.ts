import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Issuer, serveIssuer } from './serve-issuer.ts';

const claims = { issuer: 'http://issuer.test', audience: 'ordermesh' };
const options = { host: '127.0.0.1', port: 0, ...claims };
const customer = '5f1d3c1e-4a55-4d2b-9a43-0d4a6a1b7c11';
let issuer: Issuer;
let base: string;
beforeAll(async () => {
  issuer = await serveIssuer(options);
  base = `http://127.0.0.1:${issuer.port}`;
});
afterAll(() => issuer[Symbol.asyncDispose]());

const form = (fields: Record<string, string>) => new URLSearchParams(fields);
// biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came
async function token(body: URLSearchParams | string, at = base): Promise<[number, any]> {
  const json = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
  const headers = { connection: 'close', ...json };
  const response = await fetch(`${at}/token`, { method: 'POST', body, headers });
  expect(response.headers.get('cache-control')).toBe('no-store');
  return [response.status, await response.json()];
}
const keysOf = (at: string) =>
  createRemoteJWKSet(new URL(`${at}/.well-known/jwks.json`), { headers: { connection: 'close' } });

describe('POST /token', () => {
  test('gives a token, valid for an hour, that the published key verifies', async () => {
    const [status, answer] = await token(
      form({ sub: customer, scope: 'orders:read orders:write' }),
    );
    expect([status, answer]).toEqual([
      200,
      {
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 3_600,
        scope: 'orders:read orders:write',
      },
    ]);
    const { payload } = await jwtVerify(answer.access_token, keysOf(base), claims);
    expect(payload).toMatchObject({ sub: customer, scope: 'orders:read orders:write' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3_600);
    expect(decodeProtectedHeader(answer.access_token)).toMatchObject({ alg: 'ES256' });
  });

  test('takes JSON too, and gives who asks for no scope those of a customer', async () => {
    const [status, { scope }] = await token(JSON.stringify({ sub: customer }));
    expect([status, scope]).toEqual([200, 'orders:read orders:write customers:write']);
  });

  test.each([
    ['nothing', form({}), 'invalid_request'],
    ['no subject', form({ scope: 'orders:read' }), 'invalid_request'],
    ['a subject with a blank', form({ sub: 'a b' }), 'invalid_request'],
    ['a subject that is no text', '{"sub":7}', 'invalid_request'],
    ['no JSON', '{', 'invalid_request'],
    ['JSON that is no object', 'null', 'invalid_request'],
    ['an unknown scope', form({ sub: 'ann', scope: 'orders:read admin' }), 'invalid_scope'],
  ])('refuses %s', async (_, body, error) => {
    expect(await token(body)).toEqual([400, { error, error_description: expect.any(String) }]);
  });
});

test('publishes where to find what, and no private key', async () => {
  const headers = { connection: 'close' };
  const configuration = await fetch(`${base}/.well-known/openid-configuration`, { headers });
  expect(await configuration.json()).toMatchObject({
    issuer: 'http://issuer.test',
    jwks_uri: 'http://issuer.test/.well-known/jwks.json',
    token_endpoint: 'http://issuer.test/token',
  });
  const jwks = await fetch(`${base}/.well-known/jwks.json`, { headers });
  const { keys } = (await jwks.json()) as { keys: [Record<string, string>] };
  expect(Object.keys(keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
});

test('signs with keys of its own after each start', async () => {
  await using other = await serveIssuer(options);
  const at = `http://127.0.0.1:${other.port}`;
  const [, { access_token }] = await token(form({ sub: customer }), at);
  await expect(jwtVerify(access_token, keysOf(base), claims)).rejects.toMatchObject({
    code: 'ERR_JWKS_NO_MATCHING_KEY',
  });
});

test('says which port is taken', async () => {
  await expect(serveIssuer({ ...options, port: issuer.port })).rejects.toThrow(
    `ISSUER_PORT: 127.0.0.1:${issuer.port} is already in use`,
  );
});
