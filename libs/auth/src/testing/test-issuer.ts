import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';

/** What a test signs differently from a good token. */
interface SignOptions {
  readonly header?: Readonly<Record<string, unknown>>;
  /** Instead of the issuer's own. */
  readonly key?: CryptoKey | Uint8Array;
}

/** An issuer of tokens in this process, which publishes its keys over HTTP. */
export interface TestIssuer extends AsyncDisposable {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  /** A good token for 5 minutes, unless told otherwise; a claim that is undefined is left out. */
  sign(claims: Readonly<Record<string, unknown>>, options?: SignOptions): Promise<string>;
  /** Replaces the key by a new one, of another id. */
  rotate(): Promise<void>;
  /** The public key as PEM. */
  publicKey(): Promise<string>;
  /** What the JWKS endpoint answers from now on: its keys, 503, nothing at all, or what is no set of keys. */
  become(state: 'up' | 'broken' | 'silent' | 'malformed'): void;
  /** How often the keys were asked for. */
  fetches(): number;
}

/** Starts one on a free port. */
export async function startTestIssuer(algorithm = 'ES256'): Promise<TestIssuer> {
  const issuer = 'https://issuer.test';
  const audience = 'ordermesh';
  let serial = 0;
  let fetches = 0;
  let state: 'up' | 'broken' | 'silent' | 'malformed' = 'up';
  let pair = await makePair();

  async function makePair() {
    const kid = `key-${++serial}`;
    const keys = await generateKeyPair(algorithm, { extractable: true });
    const jwk: JWK = { ...(await exportJWK(keys.publicKey)), kid, alg: algorithm, use: 'sig' };
    return { ...keys, kid, jwk };
  }

  const server = createServer((_request, response) => {
    fetches++;
    if (state === 'silent') return;
    if (state === 'broken') response.writeHead(503).end();
    else response.end(JSON.stringify({ keys: [state === 'up' ? pair.jwk : null] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    issuer,
    audience,
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    sign(claims, { header = {}, key = pair.privateKey } = {}) {
      const nowS = Math.floor(Date.now() / 1000);
      const whole = { iss: issuer, aud: audience, iat: nowS, exp: nowS + 300, ...claims };
      return new SignJWT(whole as JWTPayload)
        .setProtectedHeader({ alg: algorithm, kid: pair.kid, ...header })
        .sign(key);
    },
    async rotate() {
      pair = await makePair();
    },
    publicKey: () => exportSPKI(pair.publicKey),
    become(next) {
      state = next;
    },
    fetches: () => fetches,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
