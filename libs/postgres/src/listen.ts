import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { backoffMs } from './backoff.ts';

/** Options of {@link listen}. */
export interface ListenOptions {
  /** Database to listen on. Directly: a transaction pooler loses LISTEN. */
  readonly url: string;
  /** Channel, taken literally. */
  readonly channel: string;
  /** Called for each notification, in the order in which their transactions committed. */
  readonly onNotify: (payload: string) => void;
  /** Called after each time that listening (again) took effect, the first included: what was notified before may be lost, so look. */
  readonly onReconnect: () => void;
  /** Told why the connection broke or could not be made, and what a callback threw. Silent by default: listening heals by itself. */
  readonly onError?: (error: unknown) => void;
  /** How often the connection is asked for life, and how long the answer may take. 10,000 by default. */
  readonly livenessMs?: number;
}

/**
 * Listens on one channel over a connection of its own, for ever: returns at once, connects in the background, and after each loss connects again
 * with growing, jittered pauses (100 ms to 5 s). A half-open connection (the peer vanished without a word) is found after twice
 * `livenessMs` at most. Disposing ends it; no callback runs afterwards.
 */
export function listen(options: ListenOptions): AsyncDisposable {
  const stop = new AbortController();
  const running = keepListening(options, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function keepListening(options: ListenOptions, stop: AbortSignal): Promise<void> {
  for (let failures = 1; !stop.aborted; failures++) {
    try {
      await listenOnce(options, stop, () => {
        failures = 0;
      });
    } catch (error) {
      if (!stop.aborted) options.onError?.(error);
    }
    // Also after a loss of a good connection: a server that accepts and drops at once must not make this a busy loop.
    const pauseMs = backoffMs(Math.max(1, failures), 100, 5000, Math.random);
    await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** One connection's life; rejects when it breaks or is stopped. */
async function listenOnce(
  options: ListenOptions,
  stop: AbortSignal,
  onUp: () => void,
): Promise<never> {
  const livenessMs = options.livenessMs ?? 10_000;
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: options.url,
    application_name: `ordermesh-listen-${options.channel}`,
    connectionTimeoutMillis: 5000,
    query_timeout: livenessMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: livenessMs,
    stream: () => socket,
  });
  const end = Promise.withResolvers<never>();
  const onStop = () => end.reject(stop.reason);
  const unlessEnded = <T>(work: Promise<T>) => Promise.race([work, end.promise]);
  client.on('error', end.reject);
  client.on('end', () => end.reject(new Error('the server closed the connection')));
  client.on('notification', (message) =>
    guarded(options, stop, () => options.onNotify(message.payload ?? '')),
  );
  stop.addEventListener('abort', onStop, { once: true });
  let alive: NodeJS.Timeout | undefined;
  try {
    await unlessEnded(client.connect());
    await unlessEnded(client.query(`LISTEN ${pg.escapeIdentifier(options.channel)}`));
    onUp();
    guarded(options, stop, options.onReconnect);
    alive = setInterval(() => client.query('SELECT 1').catch(end.reject), livenessMs);
    return await end.promise;
  } finally {
    clearInterval(alive);
    stop.removeEventListener('abort', onStop);
    // Politely at first; a peer that does not answer must not keep the socket, and with it the process, alive.
    await Promise.race([client.end(), sleep(500, undefined, { ref: false })]).catch(
      () => undefined,
    );
    socket.destroy();
  }
}

/** What a callback throws inside the socket's event would end the process. */
function guarded(options: ListenOptions, stop: AbortSignal, callback: () => void): void {
  if (stop.aborted) return;
  try {
    callback();
  } catch (error) {
    options.onError?.(error);
  }
}
