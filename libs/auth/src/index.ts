// Who calls, and what they may do.
export { type AccessControl, accessControl, type Identity } from './access-control.ts';
export { authorise, policyOf } from './authorise.ts';
export { bearerToken, maxTokenLength, type TokenFault, unauthenticated } from './bearer.ts';
export { type AuthConfig, readAuth, readMeshAuth } from './config.ts';
export { openAccess, openVerifier } from './open-auth.ts';
export { ownerOf, staffScope } from './owner-of.ts';
export { type Guard, issuerPolicy, remoteKeys } from './remote-keys.ts';
export { type Identify, identifyAs, serviceProof, serviceTokenHeader } from './service-tokens.ts';
export { type TokenVerifier, tokenVerifier } from './token-verifier.ts';
