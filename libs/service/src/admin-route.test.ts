import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type AdminRoute, answerRoute } from './admin-route.ts';

const route: AdminRoute = {
  method: 'POST',
  path: '/faults',
  loopbackOnly: true,
  handle: () => ({ status: 204, body: '' }),
};

function requestFrom(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  Object.defineProperty(request.socket, 'remoteAddress', { value: remoteAddress });
  Object.assign(request, { method: 'POST', url: '/faults', headers });
  request.push(null);
  return request;
}

describe('a loopbackOnly route', () => {
  test.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])(
    'lets %s in',
    async (address) => {
      expect(await answerRoute([route], requestFrom(address))).toMatchObject({ status: 204 });
    },
  );

  test.each(['10.0.0.9', '::ffff:10.0.0.9', '2001:db8::1', '128.0.0.1', ''])(
    'refuses %j, whatever its headers claim',
    async (address) => {
      const request = requestFrom(address, { 'x-forwarded-for': '127.0.0.1', host: 'localhost' });
      expect(await answerRoute([route], request)).toMatchObject({ status: 403 });
    },
  );
});
