import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';

/** The scopes of ordermesh. */
export const scopes = ['orders:read', 'orders:write', 'orders:fulfil', 'customers:write'] as const;

/** How long a token is valid, in seconds. */
export const lifetimeS = 3_600;

/** Signs tokens. */
export interface Signer {
  /** The public keys, as `/.well-known/jwks.json` has them. */
  readonly jwks: JSONWebKeySet;
  sign(subject: string, scope: string): Promise<string>;
}

/** Makes a key pair (ES256) that lives as long as this process: after a restart all earlier tokens are refused. */
export async function createSigner(issuer: string, audience: string): Promise<Signer> {
  const alg = 'ES256';
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const kid = crypto.randomUUID();
  return {
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }] },
    sign: (subject, scope) =>
      new SignJWT({ scope })
        .setProtectedHeader({ alg, kid, typ: 'at+jwt' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime(`${lifetimeS}s`)
        .sign(privateKey),
  };
}
