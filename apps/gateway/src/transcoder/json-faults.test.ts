import type { JsonValue } from '@bufbuild/protobuf';
import { CreateOrderRequestSchema, SearchOrdersRequestSchema } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { decodeMessage } from './decode-message.ts';
import { jsonFaults } from './json-faults.ts';

const id = '018f0000-0000-7000-8000-000000000001';

describe('jsonFaults()', () => {
  test.each<[JsonValue, [string, string][]]>([
    [{ customerId: id, customer_id: id }, [['customer_id', 'duplicate_field']]],
    [{ customerid: id }, [['customerid', 'unknown_field']]],
    [{ customerId: 5 }, [['customerId', 'string']]],
    [{ customerId: '\ud800' }, [['customerId', 'string']]],
    [{ items: {} }, [['items', 'array']]],
    [{ items: [null] }, [['items[0]', 'object']]],
    [{ items: [{}, []] }, [['items[1]', 'object']]],
    [{ items: [{ quantity: 1.5 }] }, [['items[0].quantity', 'int32']]],
    [{ items: [{ quantity: 2 ** 31 }] }, [['items[0].quantity', 'int32']]],
    [{ items: [{ unitPrice: 5 }] }, [['items[0].unitPrice', 'object']]],
    [
      { items: [{ unit_price: { minorUnits: 'x', zork: 1 } }], expectedVersion: true },
      [
        ['items[0].unit_price.minorUnits', 'int64'],
        ['items[0].unit_price.zork', 'unknown_field'],
        ['expectedVersion', 'int32'],
      ],
    ],
    [[], [['', 'object']]],
    [null, [['', 'object']]],
    ['{}', [['', 'object']]],
  ])('finds every fault in %j', (json, expected) => {
    expect(jsonFaults(CreateOrderRequestSchema, json).map((f) => [f.field, f.reason])).toEqual(
      expected,
    );
    expect(() => decodeMessage(CreateOrderRequestSchema, json)).toThrow(
      expect.objectContaining({ reason: 'INVALID_REQUEST' }),
    );
  });

  test.each([
    [{ status: ['PENDING'] }, 'status[0]', 'must be one of ORDER_STATUS_PENDING, '],
    [{ createdAfter: 'yesterday' }, 'createdAfter', 'RFC 3339'],
  ])('says what would be right in %j', (json, field, detail) => {
    expect(jsonFaults(SearchOrdersRequestSchema, json)).toEqual([
      expect.objectContaining({ field, detail: expect.stringContaining(detail) }),
    ]);
  });

  test('names no type of ours', () => {
    const details = jsonFaults(CreateOrderRequestSchema, { a: 1, items: [{ unitPrice: [] }] });
    expect(JSON.stringify(details)).not.toContain('ordermesh.');
  });

  test('takes null for an unset field', () => {
    expect(jsonFaults(CreateOrderRequestSchema, { items: null, orderId: null })).toEqual([]);
  });
});
