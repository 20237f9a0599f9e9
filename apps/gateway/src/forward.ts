import type { DescMethodUnary, Message } from '@bufbuild/protobuf';
import { OrderCommandService, ReasonError } from '@ordermesh/contract';
import { routeClass } from '@ordermesh/rate-limit';
import { type Attempt, importanceOf, type LoadShedder } from '@ordermesh/resilience';
import { type CallResult, callUnary, mayHaveArrived } from '@ordermesh/rpc';
import type { Call } from './call.ts';
import type { Peer } from './peer.ts';

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
 * Forwards through each service's policy. This is the one layer of the way inwards that tries again: reads, and order commands with an
 * idempotency key.
 * @param peers by the service's full name
 * @param shedder of this process
 * @throws Error, at start, when an exposed method has no peer
 */
export function forwarder(
  methods: readonly DescMethodUnary[],
  peers: ReadonlyMap<string, Peer>,
  shedder: LoadShedder,
): Forward {
  for (const { parent } of methods)
    if (!peers.has(parent.typeName)) throw new Error(`no peer for ${parent.typeName}`);
  return async (method, request, call) => {
    const { metadata, signal } = call;
    const remainingMs = () => Math.floor(call.remainingMs() - hopReserveMs);
    if (remainingMs() < leastUsefulMs)
      throw new ReasonError(
        'DEADLINE_EXCEEDED',
        `Not enough time is left to ask for an answer; allow at least ${hopReserveMs + leastUsefulMs} ms.`,
      );
    const { channel, policy } = peers.get(method.parent.typeName) as Peer;
    const once = ({ signal: attempt }: Attempt) =>
      callUnary(channel, method, request, {
        metadata,
        timeoutMs: Math.min(remainingMs(), policy.timeoutMs),
        signal: attempt,
      });
    const isRepeatable = isSafeTwice(method, metadata);
    const leave = shedder.enter(importanceOf(method.name));
    try {
      return await policy.execute(once, { signal, remainingMs, isRepeatable });
    } catch (error) {
      if (signal.aborted)
        throw new ReasonError('CANCELLED', 'The call was cancelled.', { cause: error });
      throw isRepeatable ? error : truthful(error);
    } finally {
      leave();
    }
  };
}

/** Only order commands remember their keys. */
function isSafeTwice({ name, parent }: DescMethodUnary, metadata: Call['metadata']): boolean {
  if (routeClass(name) !== 'command') return true;
  return parent.typeName === OrderCommandService.typeName && 'idempotency-key' in metadata;
}

/** A client without an idempotency key that hears "try again" would order twice, where the service may have had its command before the connection was lost. */
function truthful(error: unknown): unknown {
  if (!(error instanceof ReasonError) || !mayHaveArrived(error)) return error;
  return new ReasonError(
    'OUTCOME_UNKNOWN',
    'The connection was lost before there was an answer; the command may or may not have taken effect. Look first, and send commands with an idempotency key: those can be sent again.',
    { cause: error, retryAfterMs: 1000 },
  );
}
