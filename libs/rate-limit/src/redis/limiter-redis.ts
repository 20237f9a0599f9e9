import { Redis } from 'ioredis';

/**
 * A connection for the limiter alone, that fails at once rather than late: a request must not wait for its own limit. Down it fails in 0 ms, hung
 * after 50. With the client's defaults a request waits for some 71 s, or for ever.
 * @param onError told of each loss of the connection; it heals by itself
 */
export function limiterRedis(url: string, onError: (error: unknown) => void): Redis {
  const redis = new Redis(url, {
    connectionName: 'ordermesh-limit',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // Sent again after a lost reply, a charge would be taken twice.
    autoResendUnfulfilledCommands: false,
    commandTimeout: 50,
    connectTimeout: 500,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2000),
  });
  // ioredis puts the failed command into its errors, which with AUTH is the password.
  return redis.on('error', (error: Error & { command?: unknown }) => {
    delete error.command;
    onError(error);
  });
}
