import { type Principal, ReasonError } from '@ordermesh/contract';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { maxTokenLength, unauthenticated } from './bearer.ts';

/** Verifies the tokens of users. */
export interface TokenVerifier {
  /** @throws ReasonError UNAUTHENTICATED; DEPENDENCY_UNAVAILABLE when there are no keys to verify with */
  verify(token: string): Promise<Principal>;
}

/** Options of {@link tokenVerifier}. */
export interface TokenVerifierOptions {
  /** Who has to have issued a token. */
  readonly issuer: string;
  /** For whom it has to be. */
  readonly audience: string;
  readonly keys: JWTVerifyGetKey;
}

/** Asymmetric ones only: nobody can sign with what the issuer publishes. RS256 because most issuers sign with nothing else by default. */
const algorithms = ['ES256', 'EdDSA', 'RS256'];
const clockToleranceS = 5;
/** Nobody is let in for longer by one token, whatever its `exp`. */
const maxAgeS = 24 * 3_600;

/** Verifies signature, issuer, audience and times of JWTs; `sub` and `exp` are required, and no token lives longer than 24 h. */
export function tokenVerifier({ issuer, audience, keys }: TokenVerifierOptions): TokenVerifier {
  const options = {
    issuer,
    audience,
    algorithms,
    clockTolerance: clockToleranceS,
    requiredClaims: ['sub', 'exp'],
  };
  return {
    async verify(token) {
      if (token.length > maxTokenLength)
        throw unauthenticated('invalid', new Error('the token is too long'));
      const { payload } = await jwtVerify(token, keys, options).catch((error: unknown) => {
        if (error instanceof ReasonError) throw error;
        throw unauthenticated(error instanceof errors.JWTExpired ? 'expired' : 'invalid', error);
      });
      refuseLongLived(payload);
      return { subject: subjectOf(payload), scopes: scopesOf(payload) };
    },
  };
}

/** Of a token that does not say when it was issued only the end is known: it has to be near. */
function refuseLongLived({ iat, exp = 0 }: JWTPayload): void {
  const nowS = Date.now() / 1000;
  const longest = maxAgeS + clockToleranceS;
  const issuedAt = typeof iat === 'number' ? iat : undefined;
  if (issuedAt !== undefined && issuedAt + longest < nowS)
    throw unauthenticated('expired', new Error('the token is older than 24 h'));
  if (issuedAt !== undefined && issuedAt > nowS + clockToleranceS)
    throw unauthenticated('invalid', new Error('the token is not issued yet'));
  if (issuedAt === undefined && exp > nowS + longest)
    throw unauthenticated('invalid', new Error('the token is valid for more than 24 h'));
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** True for what can be the id of a customer. */
export const isCustomerId = (subject: string): boolean => uuid.test(subject);

/** It is stored in histories and logged; and no user is called like a process. */
function subjectOf({ sub }: JWTPayload): string {
  // Whatever its type says, it is what the issuer sent.
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(sub) || sub.startsWith('service:'))
    throw unauthenticated('invalid', new Error('the subject cannot be used'));
  return isCustomerId(sub) ? sub.toLowerCase() : sub;
}

function scopesOf({ scope }: JWTPayload): ReadonlySet<string> {
  return new Set(typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []);
}
