import { randomUUID } from 'node:crypto';
import {
  type BusMessage,
  header,
  type LogRow,
  OrderLogService,
  toMessage,
} from '@ordermesh/contract';
import { implement, serveRpc } from '@ordermesh/rpc';

/** A log in memory that answers OrderLogService over real gRPC, as the command service does. */
export interface ServedLog extends AsyncDisposable {
  /** `host:port` */
  readonly address: string;
  /** Everything appended, as every bus carries it. */
  readonly messages: readonly BusMessage[];
  /** Appends rows in the order of their positions. @param damage what the log holds instead of the message of a row */
  append(rows: readonly LogRow[], damage?: (message: BusMessage) => BusMessage): BusMessage[];
}

/** Serves an empty one. */
export async function servedLog(): Promise<ServedLog> {
  const messages: BusMessage[] = [];
  const reached = new Map<number, bigint>();
  const logId = randomUUID();
  const service = implement(OrderLogService, {
    async getLogPoint({ position }) {
      const found = messages.find((one) => one.position === position);
      return { logId, eventId: found?.headers[header.id] ?? '' };
    },
    async readLog({ partition, after, limit }) {
      const found = messages.filter((one) => one.partition === partition && one.position > after);
      return {
        messages: found.slice(0, limit || 100).map(({ position, key, value, headers }) => ({
          position,
          key,
          value,
          headers: { ...headers },
        })),
      };
    },
  });
  const server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    portVariable: 'COMMAND_PORT',
    services: [service],
    requestTimeoutMs: 20_000,
    reflection: false,
    drainMs: 100,
  });
  return {
    address: `127.0.0.1:${server.port}`,
    messages,
    append(rows, damage = (message) => message) {
      const added = rows.map((row) => {
        const prev = reached.get(row.partition) ?? 0n;
        reached.set(row.partition, row.position);
        return damage(toMessage(row, prev));
      });
      messages.push(...added);
      return added;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
