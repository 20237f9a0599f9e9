import { create } from '@bufbuild/protobuf';
import { CreateOrderResponseSchema, GetOrderRequestSchema } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { expandTemplate, matchesTemplate, parseTemplate, routerPath } from './path-template.ts';

const order = parseTemplate('/v1/orders/{order_id}/events', GetOrderRequestSchema);
const location = parseTemplate('/v1/orders/{order.order_id}', CreateOrderResponseSchema);

describe('parseTemplate()', () => {
  test.each([
    ['/v1/{nope}', /no field nope/],
    ['/v1/{order_id=orders/*}', /not supported/],
    ['/v1/**', /not supported/],
    ['/v1/orders:search', /not supported/],
    ['/v1//orders', /not supported/],
    ['v1/orders', /must start with/],
  ])('refuses %s', (text, message) => {
    expect(() => parseTemplate(text, GetOrderRequestSchema)).toThrow(message);
  });

  test('becomes a path of the router', () => {
    expect(routerPath(order)).toBe('/v1/orders/:p0/events');
  });
});

describe('matchesTemplate()', () => {
  test.each([
    ['/v1/orders/7/events', true],
    ['/v1/orders//events', false],
    ['/v1/orders/7/events/', false],
    ['/v1/orders/7', false],
    ['/v2/orders/7/events', false],
  ])('%s: %s', (path, expected) => {
    expect(matchesTemplate(order, path)).toBe(expected);
  });
});

describe('expandTemplate()', () => {
  const answer = (orderId: string) => create(CreateOrderResponseSchema, { order: { orderId } });

  test('follows dotted fields and encodes what they hold', () => {
    expect(expandTemplate(location, answer('a/b c'))).toBe('/v1/orders/a%2Fb%20c');
  });

  test('gives no URL when a field is unset', () => {
    expect(expandTemplate(location, answer(''))).toBeUndefined();
    expect(expandTemplate(location, create(CreateOrderResponseSchema))).toBeUndefined();
  });
});
