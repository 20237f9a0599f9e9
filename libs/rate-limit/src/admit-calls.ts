import { routeClass } from './policy.ts';
import type { RateLimits } from './rate-limits.ts';

/** What is looked at of a gRPC method and of its call: `Admit` of @ordermesh/rpc, which an adapter cannot import. */
type AdmitCall = (
  method: { readonly name: string; readonly parent: { readonly typeName: string } },
  call: { readonly clientAddress: string },
) => Promise<void>;

/**
 * Limits the callers of a gRPC server. A call that the gateway makes for a client counts as that client's.
 * @param internal full names of services that only processes of the mesh call, at the mesh's own pace: they are not limited
 */
export function admitCalls(limits: RateLimits, internal: readonly string[] = []): AdmitCall {
  return async ({ name, parent }, { clientAddress }) => {
    if (internal.includes(parent.typeName)) return;
    const { refusal } = await limits.admit({ address: clientAddress, route: routeClass(name) });
    if (refusal) throw refusal;
  };
}
