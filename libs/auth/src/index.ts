// Who calls, and what they may do.
export type { AccessControl, Identity } from './access-control.ts';
export { authorise } from './authorise.ts';
export { bearerToken, unauthenticated } from './bearer.ts';
export { type AuthConfig, readAuth, readMeshAuth } from './config.ts';
export { openAccess, openVerifier } from './open-auth.ts';
export { ownerOf } from './owner-of.ts';
export { type Guard, issuerPolicy } from './remote-keys.ts';
export { type Identify, identifyAs } from './service-tokens.ts';
export type { TokenVerifier } from './token-verifier.ts';
