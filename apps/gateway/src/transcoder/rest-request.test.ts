import { create } from '@bufbuild/protobuf';
import { ConfirmOrderRequestSchema, ListOrdersRequestSchema } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { exposedMethods, exposedServices } from '../exposed.ts';
import { type RestRequestParts, restRequest } from './rest-request.ts';
import { type RestRoute, restRoutes } from './rest-routes.ts';

const routes = restRoutes(exposedMethods(exposedServices));
const routeOf = (template: string) =>
  routes.find((route) => route.template.text === template) as RestRoute;
const confirm = routeOf('/v1/orders/{order_id}/confirm');
const parts = (given: Partial<RestRequestParts> & { json?: unknown }): RestRequestParts => ({
  path: ['7'],
  search: '',
  body: given.json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(given.json)),
  expectedVersion: undefined,
  ...given,
});

describe('restRequest()', () => {
  test('needs no body when the path says everything', () => {
    expect(restRequest(confirm, parts({}))).toEqual(
      create(ConfirmOrderRequestSchema, { orderId: '7' }),
    );
  });

  test('joins path, query and additional bindings', () => {
    const expected = create(ListOrdersRequestSchema, { customerId: '7', pageSize: 3 });
    for (const who of ['customers', 'users'])
      expect(
        restRequest(routeOf(`/v1/${who}/{customer_id}/orders`), parts({ search: 'pageSize=3' })),
      ).toEqual(expected);
  });

  test.each([
    ['the same order id', { json: { orderId: '7' } }],
    ['the same version', { json: { expectedVersion: 3 }, expectedVersion: 3 }],
  ])('lets the body repeat %s', (_what, given) => {
    expect(restRequest(confirm, parts(given))).toMatchObject({ orderId: '7' });
  });

  test.each([
    ['another order id', { json: { order_id: '8' } }, 'orderId'],
    ['another version', { json: { expectedVersion: 2 }, expectedVersion: 3 }, 'expectedVersion'],
  ])('refuses a body with %s', (_what, given, field) => {
    expect(() => restRequest(confirm, parts(given))).toThrow(
      expect.objectContaining({
        reason: 'INVALID_REQUEST',
        fields: [expect.objectContaining({ field })],
      }),
    );
  });

  test('refuses query parameters beside a body, and those that repeat the path', () => {
    const unknown = expect.objectContaining({ reason: 'INVALID_REQUEST' });
    expect(() => restRequest(confirm, parts({ search: 'expectedVersion=3' }))).toThrow(unknown);
    const list = routeOf('/v1/customers/{customer_id}/orders');
    expect(() => restRequest(list, parts({ search: 'customerId=7' }))).toThrow(unknown);
  });
});
