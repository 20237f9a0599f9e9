import './quiet-request-queue.ts';
import { logger } from '@ordermesh/telemetry';
import { Kafka, logLevel } from 'kafkajs';

/**
 * The client of a cluster. What kafkajs logs goes to level debug: it reports each attempt to reach a broker that is away as an error; what matters
 * is reported by its users.
 * @param brokers `host:port`
 */
export function kafkaClient(brokers: readonly string[]): Kafka {
  const log = logger('kafkajs');
  return new Kafka({
    clientId: 'ordermesh',
    brokers: [...brokers],
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const { message, timestamp: _, ...fields } = entry.log;
      log.debug({ namespace: entry.namespace, ...fields }, message);
    },
  });
}

/** The error that kafkajs wrapped, perhaps several times, when it gave up trying. */
export function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
}

/** Kafka's name of an error, e.g. `MESSAGE_TOO_LARGE`; undefined when it is not the broker's. */
export function kafkaErrorType(error: unknown): string | undefined {
  const { type } = (rootCause(error) ?? {}) as { type?: unknown };
  return typeof type === 'string' ? type : undefined;
}
