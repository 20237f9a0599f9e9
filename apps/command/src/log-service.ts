import { type BusMessage, OrderLogService, toMessage } from '@ordermesh/contract';
import type { PostgresEventStore } from '@ordermesh/event-store-postgres';
import { type Implementation, implement, invalidRequest } from '@ordermesh/rpc';

/** An answer stays well below gRPC's 4 MiB; one event is at most 256 KB. */
const answerBytes = 2_000_000;
/** Rows of one read: 16 of the largest fit twice into an answer. */
const readRows = 16;

/** OrderLogService, for projectors: stretches of the log where they found a gap, as the bus would have carried them; and whether it is still the same log. */
export function logService(log: PostgresEventStore, partitions: number): Implementation {
  return implement(OrderLogService, {
    async getLogPoint({ position }, { signal }) {
      const { logId, eventId = '' } = await log.readPoint(position, signal);
      return { logId, eventId };
    },
    async readLog({ partition, after, limit }, { signal }) {
      if (partition >= partitions) {
        const detail = `must be less than ${partitions}`;
        throw invalidRequest([{ field: 'partition', reason: 'partition', detail }]);
      }
      const messages: BusMessage[] = [];
      const most = limit || 100;
      let prev = after;
      let bytes = 0;
      while (messages.length < most && bytes < answerBytes) {
        const rows = await log.readFeed(
          partition,
          prev,
          Math.min(readRows, most - messages.length),
          signal,
        );
        for (const row of rows) {
          const message = toMessage(row, prev);
          bytes += message.value.length;
          if (bytes > answerBytes && messages.length > 0) break;
          messages.push(message);
          prev = row.position;
        }
        if (rows.length < readRows) break;
      }
      return {
        messages: messages.map(({ position, key, value, headers }) => ({
          position,
          key,
          value,
          headers: { ...headers },
        })),
      };
    },
  });
}
