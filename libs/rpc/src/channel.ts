import { Client } from '@grpc/grpc-js';
import { type PeerTransport, plaintext } from './transport/transport.ts';

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** `host:port`, or any target grpc-js knows, e.g. `dns:///command.ordermesh.svc:50051`. Calls go to all addresses behind it in turn. */
  readonly address: string;
  /** Default: in the clear. */
  readonly transport?: PeerTransport;
  /** Name of this process, as the called one logs and stores it, e.g. `ordermesh-gateway`. */
  readonly serviceName: string;
  /** Deadline of calls that name none, in milliseconds. */
  readonly defaultTimeoutMs: number;
  /** Metadata for each call that proves who makes it. None by default: while authentication is off the name is enough. */
  readonly identify?: (() => Promise<Readonly<Record<string, string>>>) | undefined;
}

/** A connection to one service of the mesh; connects by itself, again and again. Disposal closes it and fails running calls. */
export interface RpcChannel extends AsyncDisposable {
  readonly client: Client;
  readonly options: ConnectOptions;
  /** Resolves when connected; rejects with the signal's reason. */
  ready(signal: AbortSignal): Promise<void>;
}

/** Opens a channel. Never fails: an absent peer shows in the calls. */
export function connect(options: ConnectOptions): RpcChannel {
  const { credentials, options: secured } = options.transport ?? plaintext.to('command');
  const client = new Client(options.address, credentials, {
    ...secured,
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    // No TXT look-up at each resolution.
    'grpc.service_config_disable_resolution': 1,
    'grpc.dns_min_time_between_resolutions_ms': 5_000,
    // A peer that restarts is back within a second; the default backs off to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    // Without it all channels of a process to one address share connections, and so their faults.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 5_000,
  });
  let closed = false; // grpc-js throws when asked for the state of a closed channel
  return {
    client,
    options,
    async ready(signal) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const abort = () => reject(signal.reason);
        signal.addEventListener('abort', abort, { once: true });
        const attempt = () =>
          client.waitForReady(Date.now() + 250, (error) => {
            if (signal.aborted) return;
            if (error && !closed) return attempt();
            signal.removeEventListener('abort', abort);
            if (closed) reject(new Error('the channel is closed'));
            else resolve();
          });
        attempt();
      });
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      client.close();
    },
  };
}
