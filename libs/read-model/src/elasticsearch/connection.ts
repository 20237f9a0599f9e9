import { Client, type TransportRequestOptions } from '@elastic/elasticsearch';
import { untilAborted } from '@ordermesh/service';
import { activeTraceId } from '@ordermesh/telemetry';
import { isLost } from './errors.ts';

/** How a store connects. */
export interface ElasticsearchViewOptions {
  /** The cluster, with credentials if it wants any. */
  readonly url: string;
  /** Longest time of one request in milliseconds: what bounds a call to a node that hangs. 5,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** `orders-es@000001` by default ({@link elasticsearchProjection}); tests that share a node take names of their own. */
  readonly projection?: string | undefined;
}

/** Sends requests. */
export interface Connection extends AsyncDisposable {
  /** Longest time of one request, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Sends one request, and once more after a lost connection (a node that restarted leaves broken idle connections behind); so only requests
   * whose repetition does no harm.
   * @param request passes the options on to the client
   * @throws the signal's reason as soon as it fires; else the client's error, a TimeoutError after `timeoutMs`
   */
  send<T>(
    request: (client: Client, options: TransportRequestOptions) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
}

/** Connects lazily; disposing waits for the requests in flight. */
export function connect({ url, timeoutMs = 5_000 }: ElasticsearchViewOptions): Connection {
  const client = new Client({
    node: url,
    maxRetries: 0, // else three times within milliseconds, and refused connections for 6 to 8 s
  });

  async function once<T>(
    request: (client: Client, options: TransportRequestOptions) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    signal?.throwIfAborted();
    // Of this request alone: the client fires a synthetic abort on the signal that it is given when the request times out.
    const abort = new AbortController();
    const requested = request(client, {
      requestTimeout: timeoutMs,
      signal: abort.signal,
      // A span below another one, but no traces of what polls. (suppressInternalInstrumentation would suppress the client's own span, too.)
      openTelemetry: { enabled: activeTraceId() !== undefined },
    });
    try {
      return await untilAborted(requested, signal);
    } finally {
      abort.abort(); // without effect on a request that is over
    }
  }

  return {
    timeoutMs,
    async send(request, signal) {
      try {
        return await once(request, signal);
      } catch (error) {
        if (!isLost(error) || signal?.aborted) throw error;
        return once(request, signal);
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Makes searches through an alias see everything that was written before. */
export const refreshIndex = (connection: Connection, alias: string) =>
  connection.send((client, options) => client.indices.refresh({ index: alias }, options));
