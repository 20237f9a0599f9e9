import { type DescMethodUnary, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { ReasonError } from '@ordermesh/contract';
import { callerServiceHeader } from './call-context.ts';
import type { RpcChannel } from './channel.ts';
import { fromServiceError, wasRefusedUnread } from './status.ts';
import { clientCall } from './telemetry.ts';

/** Options of one call. */
export interface CallOptions {
  /** Metadata to send, lower-case names. */
  readonly metadata?: Readonly<Record<string, string | readonly string[]>>;
  /** Milliseconds until the deadline, which travels with the call; default: the channel's. */
  readonly timeoutMs?: number;
  /** Cancels the call, at the peer too. */
  readonly signal?: AbortSignal;
}

/** An answer. */
export interface CallResult<M> {
  readonly message: M;
  /** Response metadata that is text, lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * Calls a unary method. What the peer may have begun is never sent again: retries belong to the one layer that has a policy for them.
 * @throws ReasonError, and nothing else: the one that the peer threw; DEPENDENCY_UNAVAILABLE where there is no peer; DEADLINE_EXCEEDED;
 * CANCELLED after `signal`; INTERNAL for statuses that no process of ours sends
 */
export async function callUnary<M extends DescMethodUnary>(
  channel: RpcChannel,
  method: M,
  request: MessageShape<M['input']>,
  { metadata = {}, timeoutMs, signal }: CallOptions = {},
): Promise<CallResult<MessageShape<M['output']>>> {
  const { identify } = channel.options;
  const proof = identify && (await identify());
  if (signal?.aborted) throw cancelled(signal.reason);
  const observed = clientCall(method);
  try {
    const result = await sendUntilTaken(
      channel,
      method,
      request,
      outgoing(channel, { ...metadata, ...proof }),
      Date.now() + (timeoutMs ?? channel.options.defaultTimeoutMs),
      signal,
    );
    observed.end(undefined);
    return result;
  } catch (error) {
    const seen =
      error instanceof ReasonError
        ? error
        : signal?.aborted
          ? cancelled(error)
          : fromServiceError(error as ServiceError);
    observed.end(seen);
    throw seen;
  }
}

/** Two tries of grpc-js count as one. */
const mostSends = 5;

/**
 * A peer that ends a connection refuses unread what is still on its way. grpc-js sends such a call again, but once only, and the second connection may be
 * about to end, too: connections that live for 20 ms refused 25 calls of 1,500 twice.
 */
async function sendUntilTaken<M extends DescMethodUnary>(
  ...parameters: Parameters<typeof send<M>>
): ReturnType<typeof send<M>> {
  const signal = parameters.at(-1) as AbortSignal | undefined;
  for (let sends = 1; ; sends++) {
    try {
      return await send(...parameters);
    } catch (error) {
      if (sends === mostSends || signal?.aborted || !wasRefusedUnread(error as ServiceError))
        throw error;
    }
  }
}

function send<M extends DescMethodUnary>(
  channel: RpcChannel,
  method: M,
  request: MessageShape<M['input']>,
  metadata: Metadata,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<CallResult<MessageShape<M['output']>>> {
  const path = `/${method.parent.typeName}/${method.name}`;
  return new Promise((resolve, reject) => {
    const headers = new Map<string, string>();
    const abort = () => call.cancel();
    const call = channel.client.makeUnaryRequest(
      path,
      (message: MessageShape<M['input']>) =>
        Buffer.from(toBinary(method.input as M['input'], message)),
      (bytes: Buffer) => fromBinary(method.output as M['output'], bytes),
      request,
      metadata,
      { deadline },
      (error, message) => {
        signal?.removeEventListener('abort', abort);
        if (error) reject(error);
        else resolve({ message: message as MessageShape<M['output']>, headers });
      },
    );
    call.on('metadata', (received: Metadata) => {
      for (const [name, value] of Object.entries(received.getMap()))
        if (typeof value === 'string') headers.set(name, value);
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function outgoing(channel: RpcChannel, entries: NonNullable<CallOptions['metadata']>): Metadata {
  const metadata = new Metadata();
  metadata.set(callerServiceHeader, channel.options.serviceName);
  for (const [name, value] of Object.entries(entries))
    for (const one of typeof value === 'string' ? [value] : value) metadata.add(name, one);
  return metadata;
}

function cancelled(cause: unknown): ReasonError {
  return new ReasonError('CANCELLED', 'The call was cancelled.', { cause });
}
