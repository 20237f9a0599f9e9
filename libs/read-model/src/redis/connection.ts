import { backoffMs } from '@ordermesh/postgres';
import { Redis } from 'ioredis';

/** How a cache connects. */
export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with credentials and the number of a database if it wants any. */
  readonly url: string;
  /** Name of the connection in `CLIENT LIST`, e.g. `ordermesh-query`. */
  readonly name: string;
  /** Told once about each loss of the connection, which heals by itself, and about a server that refuses us. */
  readonly onError: (error: unknown) => void;
}

/** A connection of its own: what it fails at is not repeated, since a cache that is late is no cache. */
export function connectRedis({ url, name, onError }: RedisConnectionOptions): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    enableOfflineQueue: false, // without a connection a command fails at once; ioredis would keep it until there is one
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // Bounds the handshake; callers give up on a command earlier. Less, and a process that is busy starting up never gets through it.
    commandTimeout: 500,
    connectTimeout: 500,
    // A server that answers nothing for so long is left: a machine that vanished would hold the connection for 15 minutes.
    socketTimeout: 1_000,
    disconnectTimeout: 100, // 2,000 by default, by which the end of the process would wait for a server that hangs
    retryStrategy: (failures) => backoffMs(failures, 50, 1_000, Math.random), // for ever
    protocol: 2, // no HELLO: nothing here needs RESP3
    disableClientInfo: true,
  });
  let isLost = false;
  redis.on('ready', () => {
    isLost = false;
  });
  redis.on('error', (error: Error & { command?: unknown }) => {
    delete error.command; // with its arguments: of a refused AUTH they are the password
    if (!isLost) onError(error);
    isLost = true;
  });
  return redis;
}

/** Closes it; what is in flight rejects. */
export async function closeRedis(redis: Redis): Promise<void> {
  const isOpen = redis.status !== 'end' && redis.status !== 'reconnecting';
  // Of a connection that waits for its next attempt ioredis does not say that it has ended.
  const ended = isOpen && new Promise<void>((resolve) => redis.once('end', resolve));
  redis.disconnect();
  await ended;
}
