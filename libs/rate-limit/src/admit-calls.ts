import { routeClass } from './policy.ts';
import type { RateLimits } from './rate-limits.ts';

/** What is looked at of a gRPC method and of its call: `Admit` of @ordermesh/rpc, which an adapter cannot import. */
type AdmitCall = (
  method: { readonly name: string; readonly parent: { readonly typeName: string } },
  call: {
    readonly clientAddress: string;
    readonly principal?: { readonly subject: string; readonly service?: string };
  },
) => Promise<void>;

/**
 * Limits the callers of a gRPC server. A call that the gateway makes for a client counts as that client's. Processes that call for themselves do it at the
 * mesh's own pace: they are not limited.
 * @param internal full names of services that only such processes call, for as long as authentication is off and none proves what it is
 */
export function admitCalls(limits: RateLimits, internal: readonly string[] = []): AdmitCall {
  return async ({ name, parent }, { clientAddress, principal }) => {
    if (internal.includes(parent.typeName) || principal?.service !== undefined) return;
    const { refusal } = await limits.admit({
      address: clientAddress,
      caller: principal?.subject,
      route: routeClass(name),
    });
    if (refusal) throw refusal;
  };
}
