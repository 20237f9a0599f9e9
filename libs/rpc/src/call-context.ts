import type { ServerUnaryCall } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import type { Principal } from '@ordermesh/contract';

/** What a handler knows of its call beside the request. */
export interface CallContext {
  /** Aborts when the caller went away or the deadline passed; the answer is then sent already. */
  readonly signal: AbortSignal;
  /** Who calls. */
  readonly caller: {
    /** The authenticated subject; `anonymous` while authentication is off. */
    readonly subject: string;
    /** The calling process, e.g. `ordermesh-gateway`; empty for callers from outside the mesh. */
    readonly service: string;
  };
  /** Whose call it is, once its token is verified; undefined while authentication is off. */
  readonly principal?: Principal;
  /**
   * Address of the client that the call is for: the one that the gateway names, for its calls, else the peer's own. While callers do not
   * authenticate (loopback only) anybody may call itself the gateway.
   */
  readonly clientAddress: string;
  /** Milliseconds until the deadline; 0 when it has passed. */
  remainingMs(): number;
  /** All values of a metadata entry, by lower-case name; several may arrive joined by `, ` as one (HTTP/2 allows it). */
  metadata(name: string): readonly string[];
  /** Sets one entry of the response's metadata; only before the handler answers. */
  setHeader(name: string, value: string): void;
}

/** Metadata entry in which a process of the mesh says its name. */
export const callerServiceHeader = 'ordermesh-service';

/** Metadata entry in which the gateway says for whom it calls. */
export const clientAddressHeader = 'ordermesh-client';

/** The context of one call, and the response metadata that its handler sets. */
export function callContext(
  call: ServerUnaryCall<unknown, unknown>,
  deadline: number,
  signal: AbortSignal,
): { context: CallContext; headers: Metadata } {
  const headers = new Metadata();
  const metadata = (name: string) => call.metadata.get(name).map(String);
  const service = metadata(callerServiceHeader)[0] ?? '';
  const named = service === 'ordermesh-gateway' ? metadata(clientAddressHeader)[0] : undefined;
  const context: CallContext = {
    signal,
    caller: { subject: 'anonymous', service },
    clientAddress: named ?? peerAddress(call.getPeer()),
    remainingMs: () => Math.max(0, deadline - Date.now()),
    metadata,
    setHeader: (name, value) => headers.set(name, value),
  };
  return { context, headers };
}

/** The address in grpc-js's `127.0.0.1:52100`, `[::1]:52100` or `ipv6:[::1]:52100`. */
function peerAddress(peer: string): string {
  return peer
    .replace(/^ipv[46]:/, '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}
