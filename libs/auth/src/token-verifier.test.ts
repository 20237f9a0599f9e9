import { ReasonError } from '@ordermesh/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maxTokenLength } from './bearer.ts';
import { type Guard, remoteKeys } from './remote-keys.ts';
import { startTestIssuer, type TestIssuer } from './testing/index.ts';
import { type TokenVerifier, tokenVerifier } from './token-verifier.ts';

const unguarded: Guard = (call) => call(new AbortController());
const customer = '5F1D3C1E-4A55-4D2B-9A43-0D4A6A1B7C11';
const nowS = Math.floor(Date.now() / 1000);
let issuer: TestIssuer;
let verifier: TokenVerifier;
beforeAll(async () => {
  issuer = await startTestIssuer();
  verifier = verifierOf(issuer);
});
afterAll(() => issuer[Symbol.asyncDispose]());

function verifierOf({ issuer, audience, jwksUrl: url }: TestIssuer): TokenVerifier {
  return tokenVerifier({ issuer, audience, keys: remoteKeys({ url, guard: unguarded }) });
}

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function refusal(token: string): Promise<ReasonError> {
  const error = await verifier.verify(token).catch((thrown: unknown) => thrown);
  if (!(error instanceof ReasonError)) throw new Error('the token was accepted');
  return error;
}

describe('a good token', () => {
  test('names its customer in lower case, and its scopes', async () => {
    const token = await issuer.sign({ sub: customer, scope: 'orders:read  orders:write' });
    expect(await verifier.verify(token)).toEqual({
      subject: customer.toLowerCase(),
      scopes: new Set(['orders:read', 'orders:write']),
    });
  });

  test.each([
    ['without a scope', { scope: undefined }],
    ['for several audiences', { aud: ['other', 'ordermesh'] }],
    ['without iat, if it ends within 24 h', { iat: undefined, exp: nowS + 86_000 }],
    ['that begins now by a clock 3 s ahead', { nbf: nowS + 3 }],
    ['that ended 2 s ago, which clocks may differ by', { exp: nowS - 2 }],
  ])('may be one %s', async (_, claims) => {
    expect(await verifier.verify(await issuer.sign({ sub: 'ann', ...claims }))).toMatchObject({
      subject: 'ann',
    });
  });

  test.each(['EdDSA', 'RS256'])('may be signed with %s', async (algorithm) => {
    await using other = await startTestIssuer(algorithm);
    expect(await verifierOf(other).verify(await other.sign({ sub: 'ann' }))).toMatchObject({
      subject: 'ann',
    });
  });
});

describe('UNAUTHENTICATED is the answer to a token', () => {
  test.each([
    ['of another issuer', { iss: 'https://other.test' }],
    ['without an issuer', { iss: undefined }],
    ['for another audience', { aud: 'other' }],
    ['without an audience', { aud: undefined }],
    ['without a subject', { sub: undefined }],
    ['with an empty subject', { sub: '' }],
    ['whose subject is a number', { sub: 5 }],
    ['whose subject is null', { sub: null }],
    ['with several subjects', { sub: [customer] }],
    ['with a subject that cannot be stored', { sub: 'a\u0000b' }],
    ['whose subject is that of a process', { sub: 'service:projector' }],
    ['without an end', { exp: undefined }],
    ['that begins later', { nbf: nowS + 60 }],
    ['issued later', { iat: nowS + 60 }],
    ['without iat that lives for longer than 24 h', { iat: undefined, exp: nowS + 90_000 }],
  ])('%s', async (_, claims) => {
    const error = await refusal(await issuer.sign({ sub: customer, ...claims }));
    expect(error).toMatchObject({ reason: 'UNAUTHENTICATED', metadata: { token: 'invalid' } });
  });

  test.each([
    ['that has ended', { exp: nowS - 60 }],
    ['issued more than 24 h ago, whenever it ends', { iat: nowS - 90_000, exp: nowS + 90_000 }],
  ])('%s, and says so', async (_, claims) => {
    const error = await refusal(await issuer.sign({ sub: customer, ...claims }));
    expect(error).toMatchObject({ reason: 'UNAUTHENTICATED', metadata: { token: 'expired' } });
    expect(error.message).toBe('The token has expired: get a new one.');
  });

  test('that nobody signed (alg none)', async () => {
    const [, payload] = (await issuer.sign({ sub: customer })).split('.');
    for (const alg of ['none', 'None', 'NONE'])
      expect(await refusal(`${base64url({ alg })}.${payload}.`)).toMatchObject({
        reason: 'UNAUTHENTICATED',
        cause: { code: 'ERR_JOSE_ALG_NOT_ALLOWED' },
      });
  });

  test('signed with the public key as if it were a secret (HS256)', async () => {
    const key = new TextEncoder().encode(await issuer.publicKey());
    const token = await issuer.sign({ sub: customer }, { header: { alg: 'HS256' }, key });
    expect(await refusal(token)).toMatchObject({
      reason: 'UNAUTHENTICATED',
      cause: { code: 'ERR_JOSE_ALG_NOT_ALLOWED' },
    });
  });

  test('signed by somebody else under the issuer’s key id', async () => {
    await using thief = await startTestIssuer();
    const { iss, aud } = { iss: issuer.issuer, aud: issuer.audience };
    expect(await refusal(await thief.sign({ sub: customer, iss, aud }))).toMatchObject({
      reason: 'UNAUTHENTICATED',
      cause: { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' },
    });
  });

  test('whose claims were changed', async () => {
    const [header, payload = '', signature] = (await issuer.sign({ sub: customer })).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const forged = `${header}.${base64url({ ...claims, scope: 'orders:fulfil' })}.${signature}`;
    expect(await refusal(forged)).toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  test('of an unknown key', async () => {
    const token = await issuer.sign({ sub: customer }, { header: { kid: 'unknown' } });
    expect(await refusal(token)).toMatchObject({
      reason: 'UNAUTHENTICATED',
      cause: { code: 'ERR_JWKS_NO_MATCHING_KEY' },
    });
  });

  test('that is too long, however good, without looking at it', async () => {
    const token = await issuer.sign({ sub: customer, scope: 'x'.repeat(maxTokenLength) });
    const error = await refusal(token);
    expect([error.reason, (error.cause as Error).message]).toEqual([
      'UNAUTHENTICATED',
      'the token is too long',
    ]);
  });

  test.each(['', 'x', 'a.b.c', '..', `${base64url({ alg: 'ES256' })}..`])(
    'that is none: %j',
    async (token) => {
      expect(await refusal(token)).toMatchObject({ reason: 'UNAUTHENTICATED' });
    },
  );

  test('and never tells which check failed', async () => {
    const faults = [{ aud: 'other' }, { iss: 'other' }, { nbf: nowS + 60 }];
    const tokens = await Promise.all(faults.map((f) => issuer.sign({ sub: customer, ...f })));
    const messages = await Promise.all(tokens.map(async (token) => (await refusal(token)).message));
    expect(new Set(messages).size).toBe(1);
  });
});
