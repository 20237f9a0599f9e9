import { create, fromBinary, toJsonString } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Code,
  decodeConsistencyTokens,
  encodeConsistencyToken,
  eventSchemas,
  header,
  httpStatus,
  isReason,
  type LogRow,
  OrderPaidSchema,
  ownedScope,
  pageSize,
  pageTokens,
  partitionOf,
  ReasonError,
  reasons,
  toMessage,
} from './index.ts';

describe('partitionOf', () => {
  // Computed with org.apache.kafka.common.utils.Utils.murmur2 (its own unit test's values for the first four).
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('agrees with Kafka’s default partitioner on %s', (key, hash) => {
    for (const partitions of [1, 12, 97]) {
      expect(partitionOf(key, partitions)).toBe((hash & 0x7fffffff) % partitions);
    }
  });

  test('spreads random orders evenly', () => {
    const counts = new Array<number>(12).fill(0);
    for (let i = 0; i < 12_000; i++) {
      const p = partitionOf(`00000000-0000-7000-8000-${String(i).padStart(12, '0')}`, 12);
      counts[p] = (counts[p] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(700);
  });
});

describe('consistency tokens', () => {
  test('come back as they were, joined or repeated, in order', () => {
    const write = fc.record({
      partition: fc.integer({ min: 0, max: 99_999 }),
      position: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 5 }), fc.boolean(), (writes, joined) => {
        const tokens = writes.map(encodeConsistencyToken);
        expect(decodeConsistencyTokens(joined ? [tokens.join(', ')] : tokens)).toEqual(writes);
      }),
    );
  });

  test('that no command made are refused, whatever they are', () => {
    const beyond = Buffer.from(`1.0.${2n ** 63n}`).toString('base64url');
    for (const token of ['x', '1.2.3', 'MS4y', beyond, '\u0000', 'ö'])
      expect(() => decodeConsistencyTokens([token])).toThrow(ReasonError);
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          decodeConsistencyTokens([text]);
        } catch (error) {
          expect(error).toMatchObject({ reason: 'INVALID_REQUEST' });
        }
      }),
    );
  });
});

describe('page tokens', () => {
  const tokens = pageTokens(Buffer.alloc(32, 7));
  const scope = { method: 'SearchOrders', query: 'tea' };

  test('give their keyset back under the same scope', () => {
    expect(tokens.read(scope, tokens.sign(scope, ['2026-01-01', 'ö\u0001']))).toEqual([
      '2026-01-01',
      'ö\u0001',
    ]);
  });

  test('are refused under another scope, another key, changed, cut or made up', () => {
    const token = tokens.sign(scope, ['1', 'a']);
    const changed = Buffer.from(token, 'base64url');
    changed[20] = (changed[20] as number) ^ 1;
    const refused = [
      changed.toString('base64url'),
      token.slice(0, 20),
      token.slice(1),
      'AAAA',
      '',
      'x'.repeat(500),
    ];
    for (const text of refused)
      expect(() => tokens.read(scope, text)).toThrow(
        expect.objectContaining({ reason: 'PAGE_TOKEN_INVALID' }),
      );
    expect(() => tokens.read({ ...scope, query: 'coffee' }, token)).toThrow(ReasonError);
    expect(() => pageTokens(Buffer.alloc(32, 8)).read(scope, token)).toThrow(ReasonError);
  });

  test('of an owner are refused to everybody else, and stay as they were without one', () => {
    const list = ['ListOrders', 'a'];
    const token = tokens.sign(ownedScope(list, 'ada'), ['1']);
    expect(tokens.read(ownedScope(list, 'ada'), token)).toEqual(['1']);
    for (const scope of [ownedScope(list, 'bob'), ownedScope(list, undefined), [...list, 'ada']])
      expect(() => tokens.read(scope, token)).toThrow(ReasonError);
    expect(tokens.sign(ownedScope(list, undefined), ['1'])).toBe(tokens.sign(list, ['1']));
  });

  test('need a key of 16 bytes', () => {
    expect(() => pageTokens(Buffer.alloc(15))).toThrow('at least 16 bytes');
  });

  test.each([
    [0, 20],
    [1, 1],
    [100, 100],
    [101, 100],
  ])('page size %i means %i', (asked, meant) => expect(pageSize(asked)).toBe(meant));
});

describe('the table of reasons', () => {
  test('names only gRPC codes that exist and statuses of errors', () => {
    for (const row of Object.values(reasons)) {
      expect(Code).toHaveProperty(row.code);
      expect(row.http).toBeGreaterThanOrEqual(400);
    }
  });

  test('answers 409 where the order’s state is at fault and 400 where the request is', () => {
    const create = new ReasonError('CURRENCY_MISMATCH', '');
    const pay = new ReasonError('CURRENCY_MISMATCH', '', { onState: true });
    expect([create.code, httpStatus(create.reason, create.code)]).toEqual([
      'INVALID_ARGUMENT',
      400,
    ]);
    expect([pay.code, httpStatus(pay.reason, pay.code)]).toEqual(['FAILED_PRECONDITION', 409]);
  });

  test('answers a version conflict with 412 only when a precondition header was sent', () => {
    expect(httpStatus('VERSION_CONFLICT', 'ABORTED')).toBe(409);
    expect(httpStatus('VERSION_CONFLICT', 'ABORTED', true)).toBe(412);
    expect(httpStatus('ORDER_NOT_PAID', 'FAILED_PRECONDITION', true)).toBe(409);
  });

  test('knows its own names only', () => {
    expect(isReason('ORDER_EMPTY')).toBe(true);
    expect(isReason('toString')).toBe(false);
  });
});

describe('toMessage', () => {
  const paid = create(OrderPaidSchema, {
    paymentId: 'p-1',
    amount: { currencyCode: 'USD', minorUnits: 2n ** 60n },
  });
  const row: LogRow = {
    position: 42n,
    partition: 3,
    streamId: '7d9a3a51-7c2b-4d0e-9d3c-2b6a1f1c0a55',
    version: 2,
    type: 'OrderPaid',
    schemaVersion: 1,
    eventId: '0199a4c0-0000-7000-8000-000000000001',
    occurredAt: new Date('2026-01-02T03:04:05.678Z'),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'a=1',
    data: toJsonString(OrderPaidSchema, paid),
  };

  test('is the event message with exactly the headers of the bus contract', () => {
    const message = toMessage(row, 17n);
    expect(fromBinary(OrderPaidSchema, message.value)).toEqual(paid);
    expect(message).toMatchObject({ key: row.streamId, partition: 3, position: 42n });
    expect(message.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: row.eventId,
      ce_type: 'ordermesh.order.v1.OrderPaid',
      ce_source: '/ordermesh/command',
      ce_subject: row.streamId,
      ce_time: '2026-01-02T03:04:05.678Z',
      ce_sequence: '2',
      ce_partitionkey: row.streamId,
      'content-type': 'application/protobuf',
      traceparent: row.traceparent,
      tracestate: 'a=1',
      'ordermesh-position': '42',
      'ordermesh-prev': '17',
      'ordermesh-schema': '1',
    });
  });

  test('leaves the trace headers out where nothing was traced', () => {
    const { headers } = toMessage({ ...row, traceparent: null, tracestate: null }, 0n);
    expect(headers).not.toHaveProperty(header.traceparent);
    expect(headers).not.toHaveProperty(header.tracestate);
  });

  test.each([
    ['OrderTeleported', row.data, 'UNKNOWN_EVENT_TYPE'],
    ['toString', row.data, 'UNKNOWN_EVENT_TYPE'],
    ['OrderPaid', '{"amount":"much"}', 'EVENT_NOT_ENCODABLE'],
  ])(
    'publishes a row of type %s that cannot be encoded raw, with its reason',
    (type, data, error) => {
      const message = toMessage({ ...row, type, data }, 0n);
      expect(message.headers[header.error]).toBe(error);
      expect(Buffer.from(message.value).toString()).toBe(data);
    },
  );

  test('knows every event of the catalogue by its short name', () => {
    for (const [name, schema] of Object.entries(eventSchemas))
      expect(schema.typeName).toBe(`ordermesh.order.v1.${name}`);
  });
});
