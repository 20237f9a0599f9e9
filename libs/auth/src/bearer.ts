import { ReasonError } from '@ordermesh/contract';

/** Longest token that is looked at, in characters; usual ones have 500 to 2,000. */
export const maxTokenLength = 4_096;

/** What is wrong with a caller's token, as `metadata.token` of UNAUTHENTICATED tells. */
export type TokenFault = 'missing' | 'expired' | 'invalid';

const messages: Readonly<Record<TokenFault, string>> = {
  missing: 'This needs a token: send "Authorization: Bearer <token>".',
  expired: 'The token has expired: get a new one.',
  invalid: 'The token is not valid here: get one from the issuer of this service, for it.',
};

/** UNAUTHENTICATED. Which check of a token failed is for the log (`cause`) alone: it would only help whoever forges one. */
export function unauthenticated(fault: TokenFault, cause?: unknown): ReasonError {
  return new ReasonError('UNAUTHENTICATED', messages[fault], { metadata: { token: fault }, cause });
}

/**
 * The token of an `Authorization` header or metadata entry.
 * @param values all that came under the name
 * @returns undefined when there is none
 * @throws ReasonError UNAUTHENTICATED for several, for another scheme, and for what is too long or has no form of a token (RFC 6750)
 */
export function bearerToken(values: readonly string[]): string | undefined {
  const [value, ...others] = values;
  if (value === undefined) return undefined;
  if (others.length > 0) throw unauthenticated('invalid', new Error('several tokens'));
  if (value.length > maxTokenLength + 'Bearer '.length)
    throw unauthenticated('invalid', new Error('the token is too long'));
  const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(value)?.[1];
  if (token === undefined) throw unauthenticated('invalid', new Error('no bearer token'));
  return token;
}
