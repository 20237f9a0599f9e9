import {
  GetOrderRequestSchema,
  PayOrderRequestSchema,
  SearchOrdersRequestSchema,
} from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { fieldPath } from './field-path.ts';
import { queryParameters, readQuery } from './query-parameters.ts';

const search = queryParameters(SearchOrdersRequestSchema, []);

describe('queryParameters()', () => {
  test('leaves out what the path binds', () => {
    const parameters = queryParameters(GetOrderRequestSchema, [
      fieldPath(GetOrderRequestSchema, 'order_id'),
    ]);
    expect([...parameters.keys()]).toEqual(['minVersion', 'min_version']);
  });

  test('reaches into messages with dots', () => {
    const parameters = queryParameters(PayOrderRequestSchema, []);
    expect(readQuery(parameters, 'amount.minorUnits=5&amount.currency_code=USD')).toEqual({
      amount: { minorUnits: '5', currencyCode: 'USD' },
    });
  });
});

describe('readQuery()', () => {
  test.each([
    ['', {}],
    ['&&', {}],
    ['pageSize=5&page_token=x', { pageSize: '5', pageToken: 'x' }],
    ['query=a+b%20c%2B&currencyCode=', { query: 'a b c+', currencyCode: '' }],
    ['query=a=b', { query: 'a=b' }],
    [
      'status=PENDING&status=ORDER_STATUS_PAID',
      { status: ['ORDER_STATUS_PENDING', 'ORDER_STATUS_PAID'] },
    ],
    ['status=pending', { status: ['pending'] }],
    ['minTotal=-9007199254740993', { minTotal: '-9007199254740993' }],
    ['createdAfter=2026-01-31T12:00:00Z', { createdAfter: '2026-01-31T12:00:00Z' }],
  ])('reads %j', (text, json) => {
    expect(readQuery(search, text)).toEqual(json);
  });

  test.each([
    ['foo_bar=1', 'foo_bar', 'query.unknown'],
    ['=1', '', 'query.unknown'],
    ['__proto__=1', '__proto__', 'query.unknown'],
    ['pageSize=1&pageSize=1', 'pageSize', 'query.repeated'],
    ['pageSize=1&page_size=2', 'page_size', 'query.repeated'],
    ['pageSize=x', 'pageSize', 'int32'],
    ['pageSize=', 'pageSize', 'int32'],
    ['minTotal=0x10', 'minTotal', 'int64'],
    ['minTotal=%205', 'minTotal', 'int64'],
    ['minTotal=1e3', 'minTotal', 'int64'],
    ['query=%ff', 'query', 'query.encoding'],
    ['query=%zz', 'query', 'query.encoding'],
    ['%ff=1', '%ff=1', 'query.encoding'],
  ])('refuses %j', (text, field, reason) => {
    expect(() => readQuery(search, text)).toThrow(
      expect.objectContaining({
        reason: 'INVALID_REQUEST',
        fields: [expect.objectContaining({ field, reason })],
      }),
    );
  });

  test('names every fault at once', () => {
    expect(() => readQuery(search, 'a=1&pageSize=x&b=2')).toThrow(
      expect.objectContaining({ fields: [0, 1, 2].map(() => expect.anything()) }),
    );
  });
});
