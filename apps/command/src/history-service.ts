import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ownerOf } from '@ordermesh/auth';
import {
  type OrderEventSchema,
  OrderHistoryService,
  ownedScope,
  type PageTokens,
  pageSize,
  ReasonError,
  readStoredEvent,
} from '@ordermesh/contract';
import type { RecordedEvent } from '@ordermesh/event-sourcing';
import type { PostgresEventStore } from '@ordermesh/event-store-postgres';
import { type Implementation, implement } from '@ordermesh/rpc';
import { traceIdOf } from '@ordermesh/telemetry';
import { placedBy } from './placed-by.ts';

/**
 * OrderHistoryService: the audit trail, read from the log itself. The log knows customers by an order's first event only, so that is read first on
 * behalf of an owner; an order that is another's is as absent as one that nobody placed, and no more of it is read.
 */
export function historyService(log: PostgresEventStore, tokens: PageTokens): Implementation {
  return implement(OrderHistoryService, {
    async listOrderEvents({ orderId, pageSize: requested, pageToken }, { signal, principal }) {
      const owner = ownerOf(principal);
      const scope = ownedScope(['ListOrderEvents', orderId], owner);
      const after = pageToken ? Number(tokens.read(scope, pageToken)[0]) : 0;
      const limit = pageSize(requested);
      if (owner !== undefined) {
        const [first] = await log.readHistory(orderId, 0, 1, signal);
        if (placedBy(first) !== owner) throw notFound(orderId);
      }
      const events = await log.readHistory(orderId, after, limit + 1, signal);
      if (events.length === 0 && after === 0) throw notFound(orderId);
      const page = events.slice(0, limit);
      const last = events.length > limit ? page.at(-1) : undefined;
      return {
        events: page.map(toOrderEvent),
        nextPageToken: last ? tokens.sign(scope, [String(last.version)]) : '',
      };
    },
  });
}

function notFound(orderId: string): ReasonError {
  const resource = { type: 'order', name: orderId };
  return new ReasonError('ORDER_NOT_FOUND', 'There is no order with this id.', { resource });
}

function toOrderEvent(event: RecordedEvent): MessageInitShape<typeof OrderEventSchema> {
  return {
    eventId: event.eventId,
    version: event.version,
    position: event.position,
    type: event.type,
    occurredAt: timestampFromDate(event.occurredAt),
    actor: event.actor,
    traceId: traceIdOf(event.traceparent) ?? '',
    ...dataOf(event),
  };
}

/** Without data where the log holds what this release cannot read: the history is where an operator looks for just that event. */
function dataOf(event: RecordedEvent): { data?: Any } {
  try {
    const { schema, message } = readStoredEvent(event);
    return { data: anyPack(schema, message) };
  } catch {
    return {};
  }
}
