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
  let isAway = false;
  redis.on('error', (error: Error) => {
    if (isAway) return;
    isAway = true;
    log.warn({ err: withoutCommand(error) }, 'Redis is away, connecting again');
  });
  redis.on('ready', () => {
    if (isAway) log.info('Redis is back');
    isAway = false;
  });
  return redis;
}

/** Passes a command's outcome on, its error without the command. */
export async function bare<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw withoutCommand(error);
  }
}

/** ioredis ties the command to its error, with all arguments: they would bring passwords and whole events into the log. */
function withoutCommand(error: unknown): unknown {
  if (error instanceof Error) delete (error as { command?: unknown }).command;
  return error;
}
