import { randomBytes, randomUUID } from 'node:crypto';
import type { Append, AppendOutcome, EventStore } from '@ordermesh/event-sourcing';

/** A command with so many events: on a stream of its own, or on one at whatever version. */
export const appendOf = (streamId?: string, events = 1): Append => ({
  streamId: streamId ?? randomUUID(),
  expected: streamId === undefined ? 'no_stream' : 'any',
  events: Array.from({ length: events }, () => ({
    eventId: randomUUID(),
    type: 'OrderConfirmed',
    schemaVersion: 1,
    occurredAt: new Date('2026-01-02T03:04:05.678Z'),
    data: '{}',
    actor: { subject: 'somebody', service: 'gateway' },
    correlationId: null,
    causationId: null,
    traceparent: null,
    tracestate: null,
  })),
});

/** Appends commands that arrive together. */
export const appendAll = (
  store: EventStore,
  ...commands: readonly Append[]
): Promise<readonly AppendOutcome[]> =>
  Promise.all(commands.map((command) => store.append(command)));

/** A key that nobody used. */
export const keyed = (response: string) => ({
  key: randomBytes(16),
  requestHash: randomBytes(32),
  response: Buffer.from(response),
});
