import { type BusMessage, OrderLogService, toMessage } from '@ordermesh/contract';
import type { PostgresEventStore } from '@ordermesh/event-store-postgres';
import { type Implementation, implement, invalidRequest } from '@ordermesh/rpc';

/** An answer stays well below gRPC's 4 MiB; one event is at most 256 KB. */
const answerBytes = 2_000_000;

/** OrderLogService: stretches of the log for projectors that found a gap, as the bus would have carried them. */
export function logService(log: PostgresEventStore, partitions: number): Implementation {
  return implement(OrderLogService, {
    async readLog({ partition, after, limit }, { signal }) {
      if (partition >= partitions) {
        const detail = `must be less than ${partitions}`;
        throw invalidRequest([{ field: 'partition', reason: 'partition', detail }]);
      }
      const messages: BusMessage[] = [];
      let prev = after;
      let bytes = 0;
      for (const row of await log.readFeed(partition, after, limit || 100, signal)) {
        const message = toMessage(row, prev);
        bytes += message.value.length;
        if (bytes > answerBytes && messages.length > 0) break;
        messages.push(message);
        prev = row.position;
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
