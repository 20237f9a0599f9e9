import { type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { type Authz, authzRule, type Principal, ReasonError } from '@ordermesh/contract';
import { ownerOf } from './owner-of.ts';
import { isCustomerId } from './token-verifier.ts';

/**
 * Whether a caller may call a method, by the method's `(ordermesh.authz)`; a method without one, or whose policy says nothing, is nobody's. On which orders is the handler's
 * matter: see {@link ownerOf}.
 * @throws ReasonError FORBIDDEN; `metadata.scopes` names what a token would need
 */
export function authorise(method: DescMethod, principal: Principal): void {
  const { scopes, callers, anyUser } = policyOf(method);
  if (callers.length > 0) {
    if (principal.service !== undefined && callers.includes(principal.service)) return;
    throw forbidden('Only processes of the mesh may call this.');
  }
  if (principal.service !== undefined || (scopes.length === 0 && !anyUser))
    throw forbidden('Nobody may call this.');
  if (!scopes.every((scope) => principal.scopes.has(scope))) {
    const needed = scopes.join(' ');
    throw forbidden(`This needs a token with scope ${needed}.`, { scopes: needed });
  }
  const owner = ownerOf(principal);
  if (owner !== undefined && !isCustomerId(owner))
    throw forbidden('The subject of the token is no customer id: only staff may do without.');
}

/** What stands at the method; of one without a policy, one that allows nothing. */
export function policyOf(method: DescMethod): Pick<Authz, 'scopes' | 'callers' | 'anyUser'> {
  return hasOption(method, authzRule)
    ? getOption(method, authzRule)
    : { scopes: [], callers: [], anyUser: false };
}

function forbidden(message: string, metadata: Readonly<Record<string, string>> = {}): ReasonError {
  return new ReasonError('FORBIDDEN', message, { metadata });
}
