import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('needs no setting', () => {
  expect(readConfig({})).toEqual({
    host: '127.0.0.1',
    port: 8090,
    adminPort: 9465,
    issuer: 'http://127.0.0.1:8090',
    audience: 'ordermesh',
  });
});

test('refuses production in one line that says what to do', () => {
  expect(() => readConfig({ NODE_ENV: 'production', ISSUER_PORT: 'x' })).toThrow(
    /^NODE_ENV is "production", .* to a real one$/,
  );
});
