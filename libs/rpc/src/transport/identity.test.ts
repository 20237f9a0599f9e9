import { expect, test } from 'vitest';
import { identityOf } from './identity.ts';

const gateway = 'URI:spiffe://ordermesh/ns/shop/sa/gateway';

test('is the last part of the one URI, in any namespace, among other names', () => {
  expect(identityOf(gateway)).toBe('gateway');
  expect(identityOf(`DNS:gateway.shop.svc, ${gateway}, IP Address:127.0.0.1`)).toBe('gateway');
});

test.each([
  ['no names', undefined],
  ['no URI', 'DNS:gateway'],
  ['another trust domain', 'URI:spiffe://elsewhere/ns/shop/sa/gateway'],
  ['a longer path', `${gateway}/more`],
  ['a shorter path', 'URI:spiffe://ordermesh/sa/gateway'],
  ['another scheme', 'URI:https://ordermesh/ns/shop/sa/gateway'],
  ['two URIs', `${gateway}, URI:spiffe://ordermesh/ns/shop/sa/command`],
  ['a name that contains one', `DNS:"x, ${gateway}, y"`],
])('is none with %s', (_, names) => {
  expect(identityOf(names)).toBeUndefined();
});
