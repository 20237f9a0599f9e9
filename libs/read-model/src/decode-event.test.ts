import { type BusMessage, header, orderEvents } from '@ordermesh/contract';
import { describe, expect, test } from 'vitest';
import { decodeEvent } from './decode-event.ts';
import { PoisonError } from './poison-error.ts';
import { orderMessages } from './testing/order-messages.ts';

const [created, paid] = orderMessages({ firstPosition: 41n, later: ['OrderPaid'] }) as [
  BusMessage,
  BusMessage,
];
const withHeaders = (headers: Record<string, string | undefined>): BusMessage => ({
  ...paid,
  headers: { ...paid.headers, ...headers } as Record<string, string>,
});

test('reads an event with all that its headers say', () => {
  expect(decodeEvent(paid)).toMatchObject({
    orderId: paid.key,
    version: 2,
    position: 42n,
    partition: paid.partition,
    occurredAt: new Date(paid.headers[header.time] as string),
    traceparent: paid.headers[header.traceparent],
    tracestate: undefined,
    event: { $typeName: 'ordermesh.order.v1.OrderPaid', paymentId: 'pay-1' },
  });
  expect(decodeEvent(created).event.$typeName).toBe('ordermesh.order.v1.OrderCreated');
});

test('does without trace context, and drops a malformed one', () => {
  const trace = (traceparent?: string, tracestate?: string) => {
    const decoded = decodeEvent(withHeaders({ traceparent, tracestate }));
    return [decoded.traceparent, decoded.tracestate];
  };
  const good = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  expect(trace(good, 'k=v')).toEqual([good, 'k=v']);
  expect(trace(undefined, 'k=v')).toEqual([undefined, undefined]);
  expect(trace(`${good}\0`, 'k=v')).toEqual([undefined, undefined]);
  expect(trace(good, 'k=\0')).toEqual([good, undefined]);
});

test('upcasts an event that was published under an earlier schema', () => {
  const catalogue = {
    ...orderEvents,
    upcasters: {
      OrderPaid: [({ paymentId, ...rest }) => ({ ...rest, paymentId: `old-${paymentId}` })],
    },
  } satisfies typeof orderEvents;
  const paymentId = (schema: string) =>
    decodeEvent(withHeaders({ [header.schema]: schema }), catalogue).event;
  expect(paymentId('1')).toMatchObject({ paymentId: 'old-pay-1' });
  expect(paymentId('2')).toMatchObject({ paymentId: 'pay-1' });
});

describe('parks', () => {
  const faults: [string, string, BusMessage][] = [
    ['published_raw', 'what the relay could not encode', withHeaders({ [header.error]: 'X' })],
    ['future_schema', 'a newer schema', withHeaders({ [header.schema]: '2' })],
    [
      'unknown_type',
      'a type that is not in the catalogue',
      withHeaders({ [header.type]: 'ordermesh.order.v1.OrderLost' }),
    ],
    ['unknown_type', 'a type of another package', withHeaders({ [header.type]: 'OrderPaid' })],
    [
      'unknown_type',
      'a name that every object has',
      withHeaders({ [header.type]: 'ordermesh.order.v1.toString' }),
    ],
    ['unknown_type', 'no type', withHeaders({ [header.type]: undefined })],
    [
      'undecodable',
      'bytes that are no such message',
      { ...paid, value: Uint8Array.of(255, 255, 3) },
    ],
    ['malformed_header', 'no version', withHeaders({ [header.sequence]: undefined })],
    ['malformed_header', 'version 0', withHeaders({ [header.sequence]: '0' })],
    [
      'malformed_header',
      'a version beyond int32',
      withHeaders({ [header.sequence]: '99999999999' }),
    ],
    ['malformed_header', 'no schema', withHeaders({ [header.schema]: undefined })],
    ['malformed_header', 'no time', withHeaders({ [header.time]: undefined })],
    ['malformed_header', 'the year 0', withHeaders({ [header.time]: '0000-01-01T00:00:00Z' })],
    ['malformed_header', 'the month 13', withHeaders({ [header.time]: '2026-13-01T00:00:00Z' })],
    [
      'malformed_header',
      'a key that is no lower-case UUID',
      { ...paid, key: paid.key.toUpperCase() },
    ],
    ['malformed_header', 'a subject that is not the key', withHeaders({ [header.subject]: 'x' })],
  ];
  test.each(faults)('as %s: %s', (kind, _, message) => {
    const attempt = () => decodeEvent(message);
    expect(attempt).toThrow(PoisonError);
    expect(attempt).toThrow(expect.objectContaining({ kind }));
  });
});
