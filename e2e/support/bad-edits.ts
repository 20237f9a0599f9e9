import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@bufbuild/protobuf';
import { orderRequest, rest } from './api.ts';
import type { BadHttp } from './bad-http.ts';
import { type BadCall, orders } from './bad-orders.ts';
import { calls, commands, cup } from './calls.ts';
import { absent, bad, conflict, invalid, type Says } from './refusals.ts';

/** The one item of all {@link orders}: 2 × 12.50 USD. */
export const tea = {
  productId: randomUUID(),
  productName: 'Green tea',
  quantity: 2,
  unitPrice: { currencyCode: 'USD', minorUnits: '1250' },
};

/** A pending order of 100 lines, placed before the first case: 24.01 USD and 99 times 0.01 USD. */
export const full = {
  orderId: '0190abcd-0000-7000-8000-000000000007',
  items: Array.from({ length: 100 }, (_, i) => ({
    productId: randomUUID(),
    productName: 'Paper',
    quantity: 1,
    unitPrice: { currencyCode: 'USD', minorUnits: i === 0 ? '2401' : '1' },
  })),
};

const orderId = orders.PENDING;
const nul = 'Green\0tea';
const usd = (minorUnits: string) => ({ currencyCode: 'USD', minorUnits });
const address = orderRequest().shippingAddress;

const add = (rule: string, change: JsonObject, says: Says, to = orderId): BadCall => ({
  rule: `adding ${rule}`,
  call: calls.add({ orderId: to, item: { ...cup, ...change } }),
  says,
});
const remove = (rule: string, productId: string, says: Says, from = orderId): BadCall => ({
  rule: `removing ${rule}`,
  call: calls.remove({ orderId: from, productId }),
  says,
});
const move = (rule: string, change: JsonObject, field: string): BadCall => ({
  rule: `moving to ${rule}`,
  call: calls.move({ orderId, shippingAddress: { ...address, ...change } }),
  says: invalid(`shippingAddress.${field}`),
});

const shapes: BadCall[] = [
  add('no product', { productId: '' }, invalid('item.productId')),
  add('product tea-1', { productId: 'tea-1' }, invalid('item.productId')),
  add('no name', { productName: '' }, invalid('item.productName')),
  add('201 characters', { productName: 'x'.repeat(201) }, invalid('item.productName')),
  add('U+0000', { productName: nul }, invalid('item.productName')),
  ...[0, -1, 10_001, -(2 ** 31)].map((quantity) =>
    add(`${quantity}`, { quantity }, invalid('item.quantity')),
  ),
  add('no price', { unitPrice: null }, invalid('item.unitPrice')),
  add('a price of -1', { unitPrice: usd('-1') }, invalid('item.unitPrice')),
  ...['XXX', 'usd', ''].map((currencyCode) =>
    add(
      `a price in "${currencyCode}"`,
      { unitPrice: { currencyCode, minorUnits: '300' } },
      invalid('item.unitPrice.currencyCode'),
    ),
  ),
  remove('product tea-1', 'tea-1', invalid('productId')),
  remove('U+0000', '\0', invalid('productId')),
  ...['recipient', 'line1', 'city', 'countryCode'].map((field) =>
    move(`an address without ${field}`, { [field]: '' }, field),
  ),
  ...['recipient', 'line1', 'line2', 'city', 'region', 'postalCode'].map((field) =>
    move(`U+0000 in ${field}`, { [field]: nul }, field),
  ),
  ...['gb', 'GBR', '12'].map((countryCode) =>
    move(`country ${countryCode}`, { countryCode }, 'countryCode'),
  ),
  // Where one field is the body, REST cannot leave it out: what is not sent is an item or an address without anything.
  ...(['Connect', 'gRPC'] as const).flatMap((protocol): BadCall[] => [
    {
      rule: `adding nothing (${protocol})`,
      call: calls.add({ orderId }),
      says: invalid('item'),
      via: [protocol],
    },
    {
      rule: `moving nowhere (${protocol})`,
      call: calls.move({ orderId }),
      says: invalid('shippingAddress'),
      via: [protocol],
    },
  ]),
  {
    rule: 'adding nothing',
    call: calls.add({ orderId }),
    says: invalid('item.productId'),
    via: ['REST'],
  },
  {
    rule: 'moving nowhere',
    call: calls.move({ orderId }),
    says: invalid('shippingAddress.recipient'),
    via: ['REST'],
  },
  ...(['add', 'remove', 'move'] as const).map((name) => ({
    rule: `${name} at version 0`,
    call: calls[name]({ orderId, ...commands[name], expectedVersion: 0 }),
    says: invalid('expectedVersion'),
  })),
];

const rules: BadCall[] = [
  add(
    'another currency',
    { unitPrice: { currencyCode: 'EUR', minorUnits: '300' } },
    { ...conflict('CURRENCY_MISMATCH'), metadata: { expected: 'USD', actual: 'EUR' } },
  ),
  add(
    'tea at another price',
    { ...tea, unitPrice: usd('1249') },
    { ...conflict('ITEM_PRICE_CONFLICT'), metadata: { expected: '1250', actual: '1249' } },
  ),
  add(
    'tea in another currency at another price',
    { ...tea, unitPrice: { currencyCode: 'EUR', minorUnits: '1' } },
    conflict('CURRENCY_MISMATCH'),
  ),
  add(
    'tea to 10,001 in all',
    { ...tea, quantity: 9_999 },
    { ...invalid('item.quantity'), metadata: { maximum: '10000', actual: '10001' } },
  ),
  add(
    'a line to 100',
    {},
    { ...invalid('item'), metadata: { maximum: '100', actual: '101' } },
    full.orderId,
  ),
  add('beyond 64 bits', { unitPrice: usd('9223372036854775807') }, bad('ORDER_TOTAL_INVALID')),
  remove('what is not there', cup.productId, absent('ITEM_NOT_FOUND')),
  remove('the last item', tea.productId, conflict('ORDER_EMPTY')),
  remove(
    'nearly all of the total',
    full.items[0]?.productId ?? '',
    { ...conflict('ORDER_BELOW_MINIMUM'), metadata: { actual: '99', minimum: '1000' } },
    full.orderId,
  ),
];

/** Edits that have to be refused, beside those by status, version and order that every command has. */
export const badEdits: readonly BadCall[] = [...shapes, ...rules];

const items = `/v1/orders/${orderId}/items`;
const line = `${items}/${tea.productId}`;
const moving = `/v1/orders/${orderId}/shipping-address`;
const json = { 'content-type': 'application/json' };

const http = (
  method: string,
  path: string,
  body: unknown,
  says: Says,
  headers: Record<string, string> = json,
): BadHttp => ({
  rule: `${method} ${path.slice(48)} with ${JSON.stringify(body)?.slice(0, 60)}`,
  send: (base) => rest(base, method, path, body, headers),
  says,
});
const notAllowed = (method: string, path: string, allow: string): BadHttp => ({
  rule: `${method} ${path.slice(48)}`,
  send: (base) => rest(base, method, path),
  says: { reason: 'METHOD_NOT_ALLOWED', http: 405, code: 'UNIMPLEMENTED' },
  allow,
});
const media: Says = { reason: 'UNSUPPORTED_MEDIA_TYPE', http: 415, code: 'INVALID_ARGUMENT' };

/** Edits that only HTTP can make, and that have to be refused. */
export const badEditHttp: readonly BadHttp[] = [
  http('POST', items, { item: cup }, invalid('item')),
  http('POST', items, { ...cup, expectedVersion: 1 }, invalid('expectedVersion')),
  http('POST', items, [cup], invalid('')),
  http('POST', items, '{"productId"', bad('MALFORMED_BODY')),
  http('POST', items, cup, media, { 'content-type': 'text/plain' }),
  http('POST', `${items}?quantity=2`, cup, invalid('quantity')),
  http('PUT', moving, { shippingAddress: address }, invalid('shippingAddress')),
  http('PUT', moving, 'null', invalid('')),
  http('PUT', moving, address, media, { 'content-type': 'application/xml' }),
  // A version in a body that nobody reads would be a condition that nobody keeps.
  http('DELETE', line, { expectedVersion: 7 }, invalid('expectedVersion')),
  http('DELETE', line, 'null', invalid('')),
  http('DELETE', line, '{', bad('MALFORMED_BODY')),
  http('DELETE', `${items}/%00`, undefined, invalid('productId'), {}),
  http('DELETE', `${items}/`, undefined, absent('ROUTE_NOT_FOUND'), {}),
  notAllowed('GET', items, 'OPTIONS, POST'),
  notAllowed('DELETE', items, 'OPTIONS, POST'),
  notAllowed('PUT', line, 'DELETE, OPTIONS'),
  notAllowed('GET', moving, 'OPTIONS, PUT'),
];
