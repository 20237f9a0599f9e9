import pino from 'pino';

/**
 * What clients tie to their errors besides message and code, and what it would bring into a log: `command` of ioredis, with all its arguments (of AUTH they are the
 * password, of a cached view a customer's address); `detail` of PostgreSQL ("Failing row contains (…)"); `input` of Node's invalid URL; `meta` of Elasticsearch, the
 * request and the answer.
 */
const PAYLOADS = ['command', 'detail', 'input', 'meta'];

/** An error as it is logged: type, message, stack, its other fields except those that hold data, and the same of its causes. */
export function loggedError(error: unknown): unknown {
  return withoutPayloads(pino.stdSerializers.errWithCause(error as Error));
}

function withoutPayloads(fields: unknown): unknown {
  if (typeof fields !== 'object' || fields === null) return fields;
  const { cause, aggregateErrors, ...own } = fields as Readonly<Record<string, unknown>>;
  const kept = Object.entries(own).filter(([name]) => !PAYLOADS.includes(name));
  return {
    ...Object.fromEntries(kept),
    ...(cause !== undefined && { cause: withoutPayloads(cause) }),
    ...(Array.isArray(aggregateErrors) && {
      aggregateErrors: aggregateErrors.map(withoutPayloads),
    }),
  };
}
