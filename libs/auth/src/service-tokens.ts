import { hkdfSync } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { unauthenticated } from './bearer.ts';

/** Metadata entry in which a process of the mesh proves who it is. A user's token travels beside it, in `authorization`. */
export const serviceTokenHeader = 'ordermesh-service-token';

const audience = 'ordermesh-mesh';
const algorithm = 'HS256';
const lifetimeS = 300;
/** A new one is made when less is left, so that none expires on its way. */
const renewMs = 150_000;
const maxSeen = 100;

/** Metadata that proves with each call which process makes it. */
export type Identify = () => Promise<Readonly<Record<string, string>>>;

/**
 * The key of the mesh's own tokens. Not TOKEN_KEY itself, so that no page token can pass for one, nor the other way round.
 * @param tokenKey TOKEN_KEY, the same in all processes
 */
function meshKey(tokenKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', tokenKey, '', 'ordermesh service token', 32));
}

/**
 * Makes the tokens of one process: valid for 5 minutes, renewed by themselves.
 * @param service name of the process, `projector`
 * @param now milliseconds since 1970
 */
export function identifyAs(
  service: string,
  tokenKey: Uint8Array,
  now: () => number = Date.now,
): Identify {
  const key = meshKey(tokenKey);
  let current: Promise<Readonly<Record<string, string>>> | undefined;
  let renewAt = 0;
  return () => {
    if (current !== undefined && now() < renewAt) return current;
    const issuedAt = Math.floor(now() / 1000);
    renewAt = now() + renewMs;
    current = new SignJWT()
      .setProtectedHeader({ alg: algorithm })
      .setSubject(`service:${service}`)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeS)
      .sign(key)
      .then((token) => ({ [serviceTokenHeader]: token }));
    return current;
  };
}

/** Finds out which process a token names. @throws ReasonError UNAUTHENTICATED */
export type ProveService = (token: string) => Promise<string>;

/** Verifies what {@link identifyAs} makes. The same token comes with every call of a process, so the proof is remembered for as long as it is valid. @param now milliseconds since 1970 */
export function serviceProof(tokenKey: Uint8Array, now: () => number = Date.now): ProveService {
  const key = meshKey(tokenKey);
  const seen = new Map<string, { readonly service: string; readonly untilMs: number }>();
  return async (token) => {
    const known = seen.get(token);
    if (known && now() < known.untilMs) return known.service;
    const { payload } = await jwtVerify(token, key, {
      audience,
      algorithms: [algorithm],
      clockTolerance: 5,
      currentDate: new Date(now()),
      requiredClaims: ['sub', 'exp'],
    }).catch((error: unknown) => {
      throw unauthenticated('invalid', error);
    });
    const { sub = '', exp = 0 } = payload;
    const service = /^service:([a-z]+)$/.exec(sub)?.[1];
    if (service === undefined) throw unauthenticated('invalid', new Error('not a service token'));
    if (seen.size >= maxSeen) seen.clear();
    seen.set(token, { service, untilMs: exp * 1000 });
    return service;
  };
}
