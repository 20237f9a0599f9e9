import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { backoffMs } from './backoff.ts';
import { isConnectionLoss } from './sql-state.ts';

/** A connection outside any pool; disposing of it closes it, even with a statement in flight. */
export interface Connection extends AsyncDisposable {
  readonly client: pg.Client;
}

/**
 * Opens one connection, waiting out a server that is down or starting.
 * @param signal gives up with the signal's reason, and closes the connection when it fires later
 * @throws the last error: at once when the server answers with a refusal (no such database, wrong password), else when `timeoutMs` is over
 */
export async function connectPatiently(
  url: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Connection> {
  const deadline = performance.now() + timeoutMs;
  for (let failures = 1; ; failures++) {
    try {
      return await connect(url, signal);
    } catch (error) {
      const waitMs = backoffMs(failures, 100, 2000, Math.random);
      if (!isConnectionLoss(error) || performance.now() + waitMs > deadline) throw error;
      await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

async function connect(url: string, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted();
  const client = new pg.Client({
    connectionString: url,
    application_name: 'ordermesh-migrate',
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  });
  client.on('error', () => undefined); // what is in flight rejects anyway
  const close = () => void client.end().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    await client.connect();
  } catch (error) {
    signal.removeEventListener('abort', close);
    signal.throwIfAborted();
    throw error;
  }
  return {
    client,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', close);
      await client.end().catch(() => undefined);
    },
  };
}
