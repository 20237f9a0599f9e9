import { backoffMs } from '@ordermesh/postgres';
import { logger } from '@ordermesh/telemetry';
import { Redis } from 'ioredis';

/**
 * A client of one connection, made with the first command and again after each loss, for ever, with pauses of 50 ms to 1 s.
 *
 * What it does not do is decide for its users: a command waits for at most one attempt to connect, and is never sent again behind their backs, because a
 * lease may be lost meanwhile. It rejects after `answerMs`, and a connection without an answer for twice as long is given up: the
 * server may have vanished without a word. Whoever uses it tries again in a rhythm of its own.
 *
 * @param name as `CLIENT LIST` shows it
 * @param answerMs what the server may take for an answer; 5000 by default
 */
export function redisClient(url: string, name: string, answerMs = 5000): Redis {
  const log = logger('messaging').child({ client: name });
  const redis = new Redis(url, {
    connectionName: name,
    lazyConnect: true,
    enableOfflineQueue: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: answerMs,
    socketTimeout: 2 * answerMs,
    connectTimeout: 5000,
    retryStrategy: (failures) => backoffMs(failures, 50, 1000, Math.random),
    protocol: 2, // the shapes of replies that every server and every manual has
  });
  redis.on('error', (error: Error) => {
    if (!faults.has(redis)) log.warn({ err: withoutCommand(error) }, 'Redis is away');
    faults.set(redis, error);
  });
  redis.on('ready', () => {
    if (faults.delete(redis)) log.info('Redis is back');
  });
  return redis;
}

/** Why clients have no connection. */
const faults = new WeakMap<Redis, Error>();

/**
 * Passes the outcome of a command on.
 * @throws its error, without the command; for lack of a connection, the reason of that
 */
export async function answerOf<T>(redis: Redis, command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    const fault = faults.get(redis);
    if (fault && error instanceof Error && error.name === 'MaxRetriesPerRequestError') {
      throw new Error(`Redis is away: ${fault.message}`, { cause: fault });
    }
    throw withoutCommand(error);
  }
}

/** ioredis ties the command to its error, with all arguments: they would bring passwords and whole events into the log. */
function withoutCommand(error: unknown): unknown {
  if (error instanceof Error) delete (error as { command?: unknown }).command;
  return error;
}
