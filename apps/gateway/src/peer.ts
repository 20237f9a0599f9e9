import { type Policy, policy } from '@ordermesh/resilience';
import type { RpcChannel } from '@ordermesh/rpc';

/** A service behind the gateway, and what protects the two from each other. */
export interface Peer {
  readonly channel: RpcChannel;
  readonly policy: Policy;
}

/**
 * @param name of the service, for metrics, `GET /breakers` and errors
 * @param requestTimeoutMs how long clients wait who name no deadline
 */
export function peer(name: string, channel: RpcChannel, requestTimeoutMs: number): Peer {
  return {
    channel,
    policy: policy({
      name,
      // Less than clients wait, or a service that hangs would look like clients who are impatient: it would never be left alone. Of the usual 2 s enough is left for
      // query to give up on PostgreSQL (1 s) and on Elasticsearch (0.8 s) and still answer.
      timeoutMs: Math.ceil(Math.max(requestTimeoutMs * 0.85, requestTimeoutMs - 100)),
      failureThreshold: 10,
      failureWindowMs: 10_000,
      openMs: 500,
      maxOpenMs: 1_000,
      maxConcurrent: 512,
      retry: { attempts: 3, firstDelayMs: 50 },
    }),
  };
}
