import type { DescMethod } from '@bufbuild/protobuf';
import {
  CustomerService,
  OrderCommandService,
  OrderHistoryService,
  OrderLogService,
  OrderQueryService,
} from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { authorise, policyOf } from './authorise.ts';

const customer = '5f1d3c1e-4a55-4d2b-9a43-0d4a6a1b7c11';
const services = [
  OrderCommandService,
  OrderHistoryService,
  OrderLogService,
  OrderQueryService,
  CustomerService,
];
const methods = services.flatMap((service) => service.methods);
const user = (...scopes: string[]) => ({ subject: customer, scopes: new Set(scopes) });

test.each(methods.map((method) => [method.toString(), method] as const))(
  '%s says who may call it, in one way',
  (_, method) => {
    const { scopes, callers, anyUser } = policyOf(method);
    const ways = [scopes.length > 0, callers.length > 0, anyUser].filter(Boolean);
    expect(ways).toHaveLength(1);
  },
);

describe('authorise()', () => {
  test('lets a user call what all of its scopes are there for', () => {
    expect(() => authorise(OrderQueryService.method.getOrder, user('orders:read'))).not.toThrow();
    expect(() => authorise(CustomerService.method.getCustomer, user())).not.toThrow();
  });

  test.each([
    [OrderQueryService.method.searchOrders, ['orders:write', 'orders:fulfil'], 'orders:read'],
    [OrderHistoryService.method.listOrderEvents, [], 'orders:read'],
    [OrderCommandService.method.createOrder, ['orders:read'], 'orders:write'],
    [OrderCommandService.method.shipOrder, ['orders:read', 'orders:write'], 'orders:fulfil'],
    [OrderCommandService.method.deliverOrder, ['orders:read', 'orders:write'], 'orders:fulfil'],
    [CustomerService.method.registerCustomer, ['orders:write'], 'customers:write'],
  ])('refuses %s to %j, and names the scope', (method, scopes, scope) => {
    expect(() => authorise(method, user(...scopes))).toThrow(
      expect.objectContaining({ reason: 'FORBIDDEN', metadata: { scopes: scope } }),
    );
  });

  test('lets nobody call a method without a policy', () => {
    const { getOrder } = OrderQueryService.method;
    const bare = { ...getOrder, proto: { ...getOrder.proto, options: undefined } } as DescMethod;
    const everything = ['orders:read', 'orders:write', 'orders:fulfil', 'customers:write'];
    const process = {
      subject: 'service:projector',
      scopes: new Set<string>(),
      service: 'projector',
    };
    for (const principal of [user(...everything), process])
      expect(() => authorise(bare, principal)).toThrow('Nobody may call this.');
  });

  test('lets only staff be no customer', () => {
    const { getOrder } = OrderQueryService.method;
    const ann = (...scopes: string[]) => ({ subject: 'ann', scopes: new Set(scopes) });
    expect(() => authorise(getOrder, ann('orders:read', 'orders:fulfil'))).not.toThrow();
    expect(() => authorise(getOrder, ann('orders:read'))).toThrow(/no customer id/);
  });
});
