import { randomUUID } from 'node:crypto';
import type { PostgresEventStore } from '@ordermesh/event-store-postgres';

/** Appends so many events, each of an order of its own unless told otherwise, past the command service. */
export async function appendEvents(
  store: PostgresEventStore,
  count: number,
  type = 'OrderConfirmed',
  streamIdOf: (n: number) => string = () => randomUUID(),
): Promise<void> {
  for (let n = 0; n < count; n++) {
    const event = {
      eventId: randomUUID(),
      type,
      schemaVersion: 1,
      occurredAt: new Date(),
      data: '{}',
      actor: { subject: 'somebody', service: 'gateway' },
      correlationId: null,
      causationId: null,
      traceparent: null,
      tracestate: null,
    };
    await store.append({ streamId: streamIdOf(n), expected: 'any', events: [event] });
  }
}
