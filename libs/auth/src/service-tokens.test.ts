import { randomBytes } from 'node:crypto';
import { pageTokens } from '@ordermesh/contract';
import { decodeJwt, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { identifyAs, serviceProof, serviceTokenHeader } from './service-tokens.ts';

const key = randomBytes(32);
const tokenOf = async () => (await identifyAs('projector', key)())[serviceTokenHeader] as string;

describe('a service token', () => {
  test('proves its process to whoever has the same TOKEN_KEY', async () => {
    expect(await serviceProof(key)(await tokenOf())).toBe('projector');
    const others = serviceProof(randomBytes(32));
    await expect(others(await tokenOf())).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  test('is valid for 5 minutes, and a new one is made when half of them are over', async () => {
    let nowMs = Date.now();
    const identify = identifyAs('projector', key, () => nowMs);
    const first = await identify();
    nowMs += 149_000;
    expect(await identify()).toBe(first);
    nowMs += 2_000;
    const second = await identify();
    expect(second).not.toEqual(first);
    const { iat = 0, exp = 0 } = decodeJwt(second[serviceTokenHeader] as string);
    expect(exp - iat).toBe(300);
  });

  test('is refused when its time is over, also by who has seen it before', async () => {
    let nowMs = Date.now();
    const prove = serviceProof(key, () => nowMs);
    const token = await tokenOf();
    expect(await prove(token)).toBe('projector');
    nowMs += 306_000;
    await expect(prove(token)).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  test('is not signed with TOKEN_KEY itself, which signs page tokens', async () => {
    const forged = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('service:projector')
      .setAudience('ordermesh-mesh')
      .setExpirationTime('5m')
      .sign(key);
    const prove = serviceProof(key);
    await expect(prove(forged)).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
    await expect(prove(pageTokens(key).sign('x', ['y']))).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
    });
  });
});
