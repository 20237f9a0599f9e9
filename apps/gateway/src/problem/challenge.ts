import type { ReasonError } from '@ordermesh/contract';

/** `WWW-Authenticate` (RFC 6750): with 401 how to authenticate, with 403 which scopes would be needed; nothing for other errors. */
export function challenge({ reason, metadata }: ReasonError): Record<string, string> {
  const scheme = 'Bearer realm="ordermesh"';
  // Who sent no token is told of no error.
  if (reason === 'UNAUTHENTICATED')
    return {
      'www-authenticate':
        metadata.token === 'missing' ? scheme : `${scheme}, error="invalid_token"`,
    };
  if (reason === 'FORBIDDEN' && metadata.scopes !== undefined)
    return {
      'www-authenticate': `${scheme}, error="insufficient_scope", scope="${metadata.scopes}"`,
    };
  return {};
}
