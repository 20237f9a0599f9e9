import { type AccessControl, accessControl } from './access-control.ts';
import type { AuthConfig } from './config.ts';
import { type Guard, remoteKeys } from './remote-keys.ts';
import { serviceProof } from './service-tokens.ts';
import { type TokenVerifier, tokenVerifier } from './token-verifier.ts';

/** Verifies users' tokens with the keys of the issuer, which it begins to fetch. @param guard of a policy made of `issuerPolicy` */
export function openVerifier(
  { issuer, audience, jwksUrl }: Omit<AuthConfig, 'tokenKey'>,
  guard: Guard,
): TokenVerifier {
  return tokenVerifier({ issuer, audience, keys: remoteKeys({ url: jwksUrl, guard }) });
}

/** Access to a service of the mesh as the environment says. @param guard of a policy made of `issuerPolicy` */
export function openAccess(config: AuthConfig, guard: Guard): AccessControl {
  return accessControl(openVerifier(config, guard), serviceProof(config.tokenKey));
}
