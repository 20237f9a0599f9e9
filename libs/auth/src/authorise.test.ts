import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  CustomerService,
  OrderCommandService,
  OrderHistoryService,
  OrderQueryService,
} from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { authorise, policyOf } from './authorise.ts';

const customer = '5f1d3c1e-4a55-4d2b-9a43-0d4a6a1b7c11';
const user = (...scopes: string[]) => ({ subject: customer, scopes: new Set(scopes) });

/** The services of every proto file: a new one cannot be forgotten. */
async function allServices(): Promise<DescService[]> {
  const generated = join(fileURLToPath(import.meta.resolve('@ordermesh/contract')), '../gen');
  const files = readdirSync(generated, { recursive: true, encoding: 'utf8' });
  const exported: unknown[] = [];
  for (const path of files)
    if (path.endsWith('_pb.ts'))
      exported.push(...Object.values(await import(join(generated, path))));
  return exported.filter((one): one is DescService => (one as DescService).kind === 'service');
}
const services = await allServices();
const methods = services.flatMap((service) => service.methods);

test('finds the services', () => {
  expect(services.map(({ name }) => name)).toContain('OrderLogService');
});

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
