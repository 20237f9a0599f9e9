import { randomBytes } from 'node:crypto';
import {
  CustomerService,
  OrderLogService,
  OrderQueryService,
  type Principal,
} from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { accessControl } from './access-control.ts';
import { unauthenticated } from './bearer.ts';
import { identifyAs, serviceProof, serviceTokenHeader } from './service-tokens.ts';

const key = randomBytes(32);
const ann: Principal = { subject: 'ann', scopes: new Set(['orders:read']) };
const access = accessControl(
  {
    async verify(token) {
      if (token === 'good') return ann;
      throw unauthenticated('invalid');
    },
  },
  serviceProof(key),
);
const serviceToken = async (service: string, tokenKey: Uint8Array = key) =>
  (await identifyAs(service, tokenKey)())[serviceTokenHeader] as string;
const call = (entries: Record<string, string | string[]>, peerService?: string) => ({
  metadata: (name: string) => [entries[name] ?? []].flat(),
  peerService,
});

describe('a call', () => {
  test('with a user’s token is made on the user’s behalf, by nobody of the mesh', async () => {
    expect(await access.authenticate(call({ authorization: 'Bearer good' }))).toEqual({
      principal: ann,
      service: '',
    });
  });

  test('with both tokens is the user’s, made by the process', async () => {
    const entries = {
      authorization: 'bearer good',
      [serviceTokenHeader]: await serviceToken('gateway'),
    };
    expect(await access.authenticate(call(entries))).toEqual({
      principal: ann,
      service: 'ordermesh-gateway',
    });
  });

  test('with a service token alone is the process’s own', async () => {
    const entries = { [serviceTokenHeader]: await serviceToken('projector') };
    expect(await access.authenticate(call(entries, 'projector'))).toEqual({
      principal: { subject: 'service:projector', scopes: new Set(), service: 'projector' },
      service: 'ordermesh-projector',
    });
  });

  test('that only says whose it is, is nobody’s', async () => {
    const claimed = call({ 'ordermesh-service': 'ordermesh-projector' });
    await expect(access.authenticate(claimed)).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
      metadata: { token: 'missing' },
    });
  });

  test.each([
    ['a bad token', { authorization: 'Bearer bad' }],
    ['two tokens', { authorization: ['Bearer good', 'Bearer good'] }],
    ['two tokens in one entry', { authorization: 'Bearer good, Bearer good' }],
    ['another scheme', { authorization: 'Basic good' }],
    ['a user’s token as a service token', { [serviceTokenHeader]: 'good' }],
    ['a bad token beside a good one', { authorization: 'Bearer good', [serviceTokenHeader]: 'x' }],
  ])('with %s is refused', async (_, entries) => {
    await expect(access.authenticate(call(entries))).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
      metadata: { token: 'invalid' },
    });
  });

  test('whose certificate names another process than its token is refused', async () => {
    const entries = { [serviceTokenHeader]: await serviceToken('projector') };
    await expect(access.authenticate(call(entries, 'query'))).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
    });
  });
});

describe('a method of the mesh’s own', () => {
  const methods = [
    OrderLogService.method.readLog,
    OrderLogService.method.getLogPoint,
    CustomerService.method.batchGetCustomers,
  ];
  const process = (service: string) => ({
    principal: { subject: `service:${service}`, scopes: new Set<string>(), service },
    service: `ordermesh-${service}`,
  });

  test('is for the projector, and for nobody else', () => {
    for (const method of methods) {
      expect(() => access.authorise(method, process('projector'))).not.toThrow();
      expect(() => access.authorise(method, process('gateway'))).toThrow(/processes of the mesh/);
      const staff = { subject: 'ann', scopes: new Set(['orders:fulfil', 'orders:read']) };
      const viaGateway = { principal: staff, service: 'ordermesh-gateway' };
      expect(() => access.authorise(method, viaGateway)).toThrow(/processes of the mesh/);
    }
  });

  test('makes no process a user', () => {
    expect(() => access.authorise(OrderQueryService.method.getOrder, process('projector'))).toThrow(
      'Nobody may call this.',
    );
  });
});
