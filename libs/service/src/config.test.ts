import { expect, test } from 'vitest';
import { readProcessSettings } from './config.ts';

test.each(['127.0.0.1', '::1', 'localhost'])('listens on %s whoever calls', (HOST) => {
  expect(readProcessSettings({ HOST })).toMatchObject({ host: HOST, auth: 'off' });
});

test.each(['0.0.0.0', '::', '10.0.0.1'])('listens on %s only where callers have tokens', (HOST) => {
  expect(() => readProcessSettings({ HOST })).toThrow(
    `HOST is "${HOST}", but AUTH is off; it must be a loopback address (127.0.0.1, ::1, localhost), or AUTH must be jwt`,
  );
  expect(readProcessSettings({ HOST, AUTH: 'jwt' })).toMatchObject({ host: HOST, auth: 'jwt' });
});
