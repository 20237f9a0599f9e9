import type { DescMethodUnary, Message } from '@bufbuild/protobuf';
import { ReasonError } from '@ordermesh/contract';
import { type CallResult, callUnary, type RpcChannel } from '@ordermesh/rpc';
import type { Call } from './call.ts';

/** Passes one request on to the service that owns the method. Rejects with a ReasonError. The one way from any protocol inwards. */
export type Forward = (
  method: DescMethodUnary,
  request: Message,
  call: Call,
) => Promise<CallResult<Message>>;

/** What a hop keeps of the remaining time, so that the error of the process behind it still arrives in time. */
const hopReserveMs = 20;
/** With less than this nobody behind us can answer. */
const leastUsefulMs = 10;

/**
 * @param channels by the service's full name
 * @throws Error, at start, when an exposed method has no channel
 */
export function forwarder(
  methods: readonly DescMethodUnary[],
  channels: ReadonlyMap<string, RpcChannel>,
): Forward {
  for (const { parent } of methods)
    if (!channels.has(parent.typeName)) throw new Error(`no channel for ${parent.typeName}`);
  return async (method, request, { metadata, signal, remainingMs }) => {
    const timeoutMs = Math.floor(remainingMs() - hopReserveMs);
    if (timeoutMs < leastUsefulMs)
      throw new ReasonError(
        'DEADLINE_EXCEEDED',
        `Not enough time is left to ask for an answer; allow at least ${hopReserveMs + leastUsefulMs} ms.`,
      );
    const channel = channels.get(method.parent.typeName) as RpcChannel;
    return callUnary(channel, method, request, { metadata, timeoutMs, signal });
  };
}
