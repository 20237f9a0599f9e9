import { expect, test } from 'vitest';
import { readAuth, readMeshAuth } from './config.ts';

const whole = {
  AUTH: 'jwt',
  AUTH_ISSUER: 'https://issuer.test',
  AUTH_AUDIENCE: 'ordermesh',
  AUTH_JWKS_URL: 'https://issuer.test/jwks.json',
  TOKEN_KEY: '0123456789abcdef',
};

test('is off unless it is asked for, and then needs nothing', () => {
  expect(readAuth({})).toBeUndefined();
  expect(readMeshAuth({ AUTH: 'off' })).toBeUndefined();
});

test('reads who issues tokens, for whom, and where the keys are', () => {
  expect(readAuth(whole)).toEqual({
    issuer: 'https://issuer.test',
    audience: 'ordermesh',
    jwksUrl: 'https://issuer.test/jwks.json',
    tokenKey: Buffer.from('0123456789abcdef'),
  });
  expect(readMeshAuth({ AUTH: 'jwt', TOKEN_KEY: whole.TOKEN_KEY })).toEqual({
    tokenKey: Buffer.from('0123456789abcdef'),
  });
});

test.each(['AUTH_ISSUER', 'AUTH_AUDIENCE', 'AUTH_JWKS_URL', 'TOKEN_KEY'])(
  'says in one line that %s is missing',
  (variable) => {
    expect(() => readAuth({ ...whole, [variable]: '' })).toThrow(
      new RegExp(`^${variable} .*is not set.*$`),
    );
  },
);

test('refuses a JWKS URL that is none, and a mode that is none', () => {
  expect(() => readAuth({ ...whole, AUTH_JWKS_URL: 'file:///keys' })).toThrow(/^AUTH_JWKS_URL /);
  expect(() => readAuth({ ...whole, AUTH: 'jwks' })).toThrow(/^AUTH is "jwks"; it must be one of/);
});
