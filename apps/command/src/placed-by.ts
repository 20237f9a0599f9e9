import { isMessage } from '@bufbuild/protobuf';
import { eventSchemas, readStoredEvent } from '@ordermesh/contract';
import type { StoredEvent } from '@ordermesh/event-sourcing';

/** The customer who placed an order, after its first event; undefined where there is none or it says nothing that this release can read. */
export function placedBy(first: StoredEvent | undefined): string | undefined {
  if (first?.version !== 1) return undefined;
  try {
    const { message } = readStoredEvent(first);
    return isMessage(message, eventSchemas.OrderCreated) ? message.customerId : undefined;
  } catch {
    return undefined;
  }
}
