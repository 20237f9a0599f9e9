import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ReasonError } from './reason-error.ts';

/** Signs and reads page tokens; made once per process from `TOKEN_KEY`. */
export interface PageTokens {
  /**
   * A token that continues after `keyset`.
   * @param scope everything that must stay the same from page to page: method, filters, sort
   * @param keyset the last row's sort values
   */
  sign(scope: unknown, keyset: readonly string[]): string;
  /**
   * The keyset of a token.
   * @throws ReasonError PAGE_TOKEN_INVALID if it is not one of ours or was made for another scope
   */
  read(scope: unknown, token: string): readonly string[];
}

/** @param key at least 16 bytes, shared by all replicas that must accept each other's tokens */
export function pageTokens(key: Uint8Array): PageTokens {
  if (key.length < 16) throw new Error('TOKEN_KEY must have at least 16 bytes');
  // The scope is only part of the signature: a page of a long search would otherwise carry its whole filter back and forth.
  const mac = (scope: unknown, payload: string) =>
    createHmac('sha256', key)
      .update(createHash('sha256').update(JSON.stringify(scope)).digest())
      .update(payload)
      .digest()
      .subarray(0, 16);
  return {
    sign(scope, keyset) {
      const payload = JSON.stringify(keyset);
      return Buffer.concat([mac(scope, payload), Buffer.from(payload)]).toString('base64url');
    },
    read(scope, token) {
      const bytes = Buffer.from(token, 'base64url');
      const payload = bytes.subarray(16).toString('utf8');
      if (bytes.length <= 16 || !timingSafeEqual(bytes.subarray(0, 16), mac(scope, payload)))
        throw new ReasonError(
          'PAGE_TOKEN_INVALID',
          'The page token does not belong to this request: send nextPageToken with the same filters and order, or start without one.',
          {
            fields: [
              {
                field: 'page_token',
                reason: 'page_token',
                detail: 'forged, damaged or of another request',
              },
            ],
          },
        );
      return JSON.parse(payload) as string[];
    },
  };
}

/**
 * The scope of pages that show only what is the owner's, so that nobody else can read on with their tokens.
 * @param scope of everybody's pages, which stay as they are
 * @param owner undefined for everybody's
 */
export const ownedScope = (scope: readonly unknown[], owner: string | undefined): unknown =>
  owner === undefined ? scope : { scope, owner };

/** Page size after AIP-158: 0 means 20, more than 100 means 100. */
export function pageSize(requested: number): number {
  return requested === 0 ? 20 : Math.min(requested, 100);
}
