import type { DescMethod } from '@bufbuild/protobuf';
import type { Principal } from '@ordermesh/contract';
import { authorise } from './authorise.ts';
import { bearerToken, unauthenticated } from './bearer.ts';
import { type ProveService, serviceTokenHeader } from './service-tokens.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** What is looked at of a gRPC call: `CallContext` of @ordermesh/rpc, which an adapter cannot import. */
interface IncomingCall {
  metadata(name: string): readonly string[];
  /** The process that the client's certificate names; undefined without mTLS. */
  readonly peerService?: string | undefined;
}

/** Who makes a call. */
export interface Identity {
  /** On whose behalf: the user of the token, else the process itself. */
  readonly principal: Principal;
  /** The process that makes it, `ordermesh-gateway`; empty for a caller from outside the mesh. */
  readonly service: string;
}

/** Decides on the calls that a service gets. */
export interface AccessControl {
  /** @throws ReasonError UNAUTHENTICATED; DEPENDENCY_UNAVAILABLE when there are no keys to verify with */
  authenticate(call: IncomingCall): Promise<Identity>;
  /** @throws ReasonError FORBIDDEN */
  authorise(method: DescMethod, identity: Identity): void;
}

/**
 * Access to a service of the mesh. Every call proves on whose behalf it is made: by the user's token, which the gateway passes on and which is verified here again, or, where a
 * process calls for itself, by its service token. A certificate, where there is one, has to name the same process as the service token.
 */
export function accessControl(verifier: TokenVerifier, proveService: ProveService): AccessControl {
  return {
    async authenticate(call) {
      const service = await callingService(call, proveService);
      const token = bearerToken(call.metadata('authorization'));
      const principal = token === undefined ? principalOf(service) : await verifier.verify(token);
      return { principal, service: service === undefined ? '' : `ordermesh-${service}` };
    },
    authorise: (method, { principal }) => authorise(method, principal),
  };
}

async function callingService(
  { metadata, peerService }: IncomingCall,
  prove: ProveService,
): Promise<string | undefined> {
  const [token, ...others] = metadata(serviceTokenHeader);
  if (token === undefined) return undefined;
  if (others.length > 0) throw unauthenticated('invalid', new Error('several service tokens'));
  const service = await prove(token);
  if (peerService !== undefined && peerService !== service)
    throw unauthenticated('invalid', new Error('the certificate names another process'));
  return service;
}

function principalOf(service: string | undefined): Principal {
  if (service === undefined) throw unauthenticated('missing');
  return { subject: `service:${service}`, scopes: new Set(), service };
}
