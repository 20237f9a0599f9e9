import { scopes } from './signer.ts';

/** What `POST /token` asks for. */
export interface TokenRequest {
  readonly subject: string;
  /** Separated by blanks. */
  readonly scope: string;
}

/** Why it gets nothing, as OAuth 2 says it (RFC 6749, 5.2). */
export interface TokenRefusal {
  readonly error: 'invalid_request' | 'invalid_scope';
  readonly error_description: string;
}

/** Who names no scope gets a customer's. */
const customerScope = scopes.filter((scope) => scope !== 'orders:fulfil').join(' ');

/** Reads the body of `POST /token`: a form or JSON, with `sub` and `scope`. */
export function readTokenRequest(
  body: string,
  contentType: string | undefined,
): TokenRequest | TokenRefusal {
  const fields = fieldsOf(body, contentType);
  if (fields === undefined) return invalid('Send a form, or JSON as application/json.');
  const { sub, scope = customerScope } = fields;
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(sub))
    return invalid('sub is missing: the id of a customer, or the name of somebody else.');
  const wanted = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : undefined;
  if (!wanted?.every((one) => (scopes as readonly string[]).includes(one)))
    return {
      error: 'invalid_scope',
      error_description: `scope may be made of ${scopes.join(', ')}, separated by blanks.`,
    };
  return { subject: sub, scope: wanted.join(' ') };
}

function fieldsOf(body: string, contentType = ''): Readonly<Record<string, unknown>> | undefined {
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType))
    return Object.fromEntries(new URLSearchParams(body));
  if (!/^application\/json\b/i.test(contentType)) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const invalid = (error_description: string): TokenRefusal => ({
  error: 'invalid_request',
  error_description,
});
