import { ReasonError } from '@ordermesh/contract';
import { logger } from '@ordermesh/telemetry';
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';

/** Runs a call that goes over the network: `execute` of a policy of @ordermesh/resilience, which an adapter cannot import. */
export type Guard = <T>(
  call: (attempt: { readonly signal: AbortSignal }) => Promise<T>,
) => Promise<T>;

/** What a policy for the issuer's keys should be made of: jose fetches them once for all who wait. */
export const issuerPolicy = {
  name: 'issuer',
  timeoutMs: 1_000,
  failureThreshold: 3,
  openMs: 500,
  maxOpenMs: 5_000,
  maxConcurrent: 8,
} as const;

/** Options of {@link remoteKeys}. */
export interface RemoteKeysOptions {
  /** The issuer's JWKS document. */
  readonly url: string;
  readonly guard: Guard;
  /** Keys older than this are fetched anew behind the request that finds them so. Default: 600,000 ms. */
  readonly refreshMs?: number;
  /** Keys that could not be fetched anew for so long are used no longer: one of them may have been withdrawn. Default: 24 h. */
  readonly keepMs?: number;
  /** Least time between two fetches for the sake of a key that is not known: who invents key ids causes no more. Default: 2,000 ms. */
  readonly cooldownMs?: number;
  /** Milliseconds on a clock that only moves forward. */
  readonly now?: () => number;
}

const maxDocumentBytes = 256 * 1024;
const retryRefreshMs = 5_000;
const log = logger('auth');

/**
 * The public keys of an issuer. Fetched at once, so that they are there before the first token is; then kept: while the issuer is away those that are known go on to
 * verify. An unknown key has them fetched anew, which is how a rotation is noticed.
 * @returns a function for `jwtVerify`; it throws DEPENDENCY_UNAVAILABLE with `retryAfterMs` when there are no keys to answer with, jose's errors for a key that the
 * issuer does not have
 */
export function remoteKeys(options: RemoteKeysOptions): JWTVerifyGetKey {
  const { url, guard, refreshMs = 600_000, keepMs = 24 * 3_600_000 } = options;
  const { cooldownMs = 2_000, now = () => performance.now() } = options;
  let loadedAt: number | undefined;
  let triedAt = now();

  const fetchKeys = (href: string, init: RequestInit) =>
    guard(async ({ signal }) => {
      const document = await fetchDocument(href, init, signal);
      loadedAt = now();
      return Response.json(document);
    });
  const keys = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Infinity, // ageing is decided here: jose would refuse to verify with keys that it cannot refresh
    cooldownDuration: cooldownMs,
    timeoutDuration: 5_000, // the guard's is shorter
    [customFetch]: fetchKeys,
  });
  let isAway = false;
  const refresh = () => {
    triedAt = now();
    keys.reload().then(
      () => {
        isAway = false;
      },
      (err: unknown) => {
        if (!isAway) log.warn({ err }, 'the keys of the issuer cannot be fetched');
        isAway = true;
      },
    );
  };
  refresh();

  return async (header, token) => {
    const age = loadedAt === undefined ? 0 : now() - loadedAt;
    if (age > refreshMs && now() - triedAt > retryRefreshMs) refresh();
    try {
      if (age > keepMs) await keys.reload();
      return await keys(header, token);
    } catch (error) {
      throw error instanceof errors.JOSEError && !notTheTokens.has(error.code)
        ? error
        : unavailable(error);
    }
  };
}

/** jose's codes for what went wrong with the document and not with the token. */
const notTheTokens = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']);

async function fetchDocument(
  href: string,
  init: RequestInit,
  signal: AbortSignal,
): Promise<unknown> {
  const headers = new Headers(init.headers);
  headers.set('connection', 'close'); // the next fetch is minutes away
  const signals = init.signal ? [init.signal, signal] : [signal];
  const response = await fetch(href, { ...init, headers, signal: AbortSignal.any(signals) });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw unavailable(new Error(`the issuer answered ${response.status}`));
  }
  const document = JSON.parse(await boundedText(response)) as { readonly keys?: unknown };
  // As jose sees it: what it would refuse must not count as loaded.
  if (!Array.isArray(document?.keys) || !document.keys.every(isObject))
    throw unavailable(new Error('the document has no keys'));
  return document;
}

const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function boundedText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maxDocumentBytes) throw unavailable(new Error('the document is too large'));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unavailable(cause: unknown): ReasonError {
  const retryAfterMs = (cause instanceof ReasonError && cause.retryAfterMs) || 1_000;
  const message = 'Tokens cannot be verified at the moment: try again.';
  return new ReasonError('DEPENDENCY_UNAVAILABLE', message, { retryAfterMs, cause });
}
