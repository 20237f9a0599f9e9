import { join } from 'node:path';
import { startApp } from '@ordermesh/testing';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '..');

test('the process refuses production in one line that says what to do, with code 1', async () => {
  await using app = startApp(folder, { NODE_ENV: 'production' });
  const { code, stderr } = await app.ended;
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^ordermesh-issuer: NODE_ENV is "production", .* to a real one\n$/),
  ]);
});

test('the process starts, says that it is ready, and ends when it is told to', async () => {
  const env = { ISSUER_PORT: '0', ISSUER_ADMIN_PORT: '0' };
  await using app = startApp(folder, env);
  await app.logged('ready');
  app.signal('SIGTERM');
  expect(await app.ended).toEqual({ code: 0, stderr: '' });
});
