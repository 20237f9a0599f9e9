import { invalidRequest } from '@ordermesh/rpc';

/**
 * The key in an `Idempotency-Key` header: 1 to 255 visible ASCII characters, bare or as an sf-string in quotes (RFC 9651, 3.3.3), as
 * draft-ietf-httpapi-idempotency-key-header asks. Both spellings name the same key.
 * @throws ReasonError INVALID_REQUEST for anything else, so also for two header lines, which arrive joined by `, `
 */
export function readIdempotencyKey(value: string): string {
  const key = value.startsWith('"') ? unquoted(value) : value;
  if (key !== undefined && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalidRequest([
    {
      field: 'Idempotency-Key',
      reason: 'header.idempotency_key',
      detail: 'must be one key of 1 to 255 visible ASCII characters, bare or in double quotes',
    },
  ]);
}

function unquoted(value: string): string | undefined {
  const inner = /^"((?:[^"\\]|\\["\\])*)"$/.exec(value)?.[1];
  return inner?.replace(/\\(["\\])/g, '$1');
}
