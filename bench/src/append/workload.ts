import { randomBytes, randomUUID } from 'node:crypto';
import { uuidv7 } from '@ordermesh/event-sourcing';
import { eventsPerOrder } from '../orders/fill-orders.ts';

/** Events that a caller appends to a stream before it begins another. */
export const streamLength = 20;

/** Events of a stream that the warm database has from the start. */
export const filledLength: number = eventsPerOrder;

/** Ids of the streams that hold so many events then. */
export const filledStreams = (events: number): string[] =>
  Array.from({ length: events / filledLength }, () => randomUUID());

/** One event to append, with everything that ordermesh keeps of it: each contestant is given the same. */
export interface Work {
  readonly streamId: string;
  /** Of this event; the stream is expected at the one before it. */
  readonly version: number;
  readonly eventId: string;
  readonly type: string;
  /** JSON, about 200 bytes. */
  readonly data: string;
  readonly actor: { readonly subject: string; readonly service: string };
  readonly correlationId: string;
  readonly traceparent: string;
}

const newId = uuidv7(Date.now, randomBytes);

export const type = 'OrderCancelled';
export const data: string = JSON.stringify({
  reason: 'The customer found a better price. '.repeat(5),
});
export const actor = { subject: 'anonymous', service: 'gateway' };

/** The endless work of one caller: streams of {@link streamLength} events, one after the other. */
export function worker(): () => Work {
  let streamId = '';
  let version = streamLength;
  return () => {
    if (version === streamLength) {
      streamId = randomUUID();
      version = 0;
    }
    const [trace, correlationId] = [randomUUID(), randomUUID()];
    return {
      streamId,
      version: ++version,
      eventId: newId(),
      type,
      data,
      actor,
      correlationId,
      traceparent: `00-${trace.replaceAll('-', '')}-b7ad6b7169203331-01`,
    };
  };
}
