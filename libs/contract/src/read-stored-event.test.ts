import { readdirSync, readFileSync } from 'node:fs';
import { fromBinary, type JsonObject, toJson } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { header, toMessage } from './bus-message.ts';
import { eventSchemas, OrderPaidSchema, OrderShippedSchema } from './index.ts';
import {
  type EventCatalogue,
  readStoredEvent,
  schemaVersionOf,
  UnreadableEventError,
} from './read-stored-event.ts';

const goldenDir = new URL('../golden-events/', import.meta.url);
interface GoldenFile {
  readonly type: string;
  readonly schemaVersion: number;
  readonly events: readonly { readonly stored: JsonObject; readonly reads?: JsonObject }[];
}
const golden = readdirSync(goldenDir).map(
  (name) => JSON.parse(readFileSync(new URL(name, goldenDir), 'utf8')) as GoldenFile,
);

describe('events as they were ever stored', () => {
  test('are there for every event of the catalogue', () => {
    expect(new Set(golden.map(({ type }) => type))).toEqual(new Set(Object.keys(eventSchemas)));
  });

  test.each(golden)('$type of schema version $schemaVersion reads as it did', (file) => {
    for (const { stored, reads = stored } of file.events) {
      const read = readStoredEvent({ ...file, data: JSON.stringify(stored) });
      expect(toJson(read.schema, read.message)).toEqual(reads);
      expect(read.schemaVersion).toBe(schemaVersionOf(file.type));
    }
  });
});

/**
 * An event with a past, which no event of the order has yet: first it had cents, then an amount in USD under an old name, now it is like OrderPaid. Another event has
 * always been as it is.
 */
const catalogue: EventCatalogue = {
  schemas: { Settled: OrderPaidSchema, Sent: OrderShippedSchema },
  upcasters: {
    Settled: [
      ({ cents, ...rest }) => ({
        ...rest,
        amount: { currencyCode: 'USD', minorUnits: String(cents) },
      }),
      ({ reference = 'none', ...rest }) => ({ ...rest, paymentId: reference }),
    ],
  },
};
const settled = (schemaVersion: number, data: object) => ({
  type: 'Settled',
  schemaVersion,
  data: JSON.stringify(data),
});
const amount = { currencyCode: 'USD', minorUnits: '250' };
const everyVersion = [
  [1, { cents: 250, reference: 'p-1' }],
  [2, { amount, reference: 'p-1' }],
  [3, { amount, paymentId: 'p-1' }],
] as const;

describe('readStoredEvent()', () => {
  test.each(everyVersion)('reads version %i through the steps that are left', (version, data) => {
    const read = readStoredEvent(settled(version, data), catalogue);
    expect(toJson(read.schema, read.message)).toEqual({ paymentId: 'p-1', amount });
    expect(read.schemaVersion).toBe(3);
  });

  test('lets a step make up what the old version did not say', () => {
    const { schema, message } = readStoredEvent(settled(1, { cents: 1 }), catalogue);
    expect(toJson(schema, message)).toMatchObject({ paymentId: 'none' });
  });

  test('counts the versions of each event on its own', () => {
    const versions = ['Settled', 'Sent', 'toString'].map((type) =>
      schemaVersionOf(type, catalogue),
    );
    expect(versions).toEqual([3, 1, 1]);
  });

  test.each([
    ['UNKNOWN_EVENT_TYPE', { type: 'Lost', schemaVersion: 1, data: '{}' }],
    ['UNKNOWN_EVENT_TYPE', { type: 'toString', schemaVersion: 1, data: '{}' }],
    ['UNKNOWN_SCHEMA_VERSION', settled(4, {})],
    ['UNKNOWN_SCHEMA_VERSION', settled(0, {})],
    ['EVENT_NOT_ENCODABLE', settled(3, { amount: 'much' })],
    ['EVENT_NOT_ENCODABLE', settled(2, { amount: 'much' })],
    ['EVENT_NOT_ENCODABLE', settled(3, { cents: 250 })],
    ['EVENT_NOT_ENCODABLE', { type: 'Settled', schemaVersion: 1, data: 'null' }],
  ])('says %s of %o', (reason, stored) => {
    const read = () => readStoredEvent(stored, catalogue);
    expect(read).toThrow(UnreadableEventError);
    expect(read).toThrow(expect.objectContaining({ reason }));
  });
});

describe('toMessage()', () => {
  const row = {
    position: 42n,
    partition: 3,
    streamId: '7d9a3a51-7c2b-4d0e-9d3c-2b6a1f1c0a55',
    version: 2,
    eventId: '0199a4c0-0000-7000-8000-000000000001',
    occurredAt: new Date('2026-01-02T03:04:05.678Z'),
    traceparent: null,
    tracestate: null,
  };

  test.each(everyVersion)('publishes version %i in the shape of today', (version, data) => {
    const message = toMessage({ ...row, ...settled(version, data) }, 0n, catalogue);
    expect(message.headers[header.schema]).toBe('3');
    expect(message.headers).not.toHaveProperty(header.error);
    expect(toJson(OrderPaidSchema, fromBinary(OrderPaidSchema, message.value))).toEqual({
      paymentId: 'p-1',
      amount,
    });
  });

  test.each([
    ['UNKNOWN_SCHEMA_VERSION', 4, { paymentId: 'p-1' }],
    ['EVENT_NOT_ENCODABLE', 2, { amount: 'much' }],
  ])('publishes raw, under the version that is stored: %s', (reason, version, data) => {
    const message = toMessage({ ...row, ...settled(version, data) }, 0n, catalogue);
    expect(message.headers[header.error]).toBe(reason);
    expect(message.headers[header.schema]).toBe(String(version));
    expect(Buffer.from(message.value).toString()).toBe(JSON.stringify(data));
  });
});
