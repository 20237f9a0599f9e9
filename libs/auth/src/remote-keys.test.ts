import { ReasonError } from '@ordermesh/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Guard, type RemoteKeysOptions, remoteKeys } from './remote-keys.ts';
import { startTestIssuer, type TestIssuer } from './testing/index.ts';
import { tokenVerifier } from './token-verifier.ts';

let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await startTestIssuer();
});
afterEach(() => issuer[Symbol.asyncDispose]());

/** A process that verifies, with a clock of its own. */
function verifying(options: Partial<RemoteKeysOptions> = {}) {
  const { issuer: iss, audience, jwksUrl: url } = issuer;
  let nowMs = 0;
  const now = () => nowMs;
  const keys = remoteKeys({ url, guard, cooldownMs: 0, now, ...options });
  const verifier = tokenVerifier({ issuer: iss, audience, keys });
  return {
    verify: (token: string) => verifier.verify(token),
    reason: (token: string) =>
      verifier.verify(token).then(
        () => 'accepted',
        ({ reason }) => reason as string,
      ),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** Waits as long as a policy would, without its circuit. */
const guard: Guard = (call) => call({ signal: AbortSignal.timeout(300) });

describe('the keys of the issuer', () => {
  test('are fetched once for all who wait', async () => {
    const { verify } = verifying();
    const token = await issuer.sign({ sub: 'ann' });
    await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    await verify(token);
    expect(issuer.fetches()).toBe(1);
  });

  test('are fetched anew for a key that is not known: a rotation is noticed by its first token', async () => {
    const { verify, reason } = verifying();
    const old = await issuer.sign({ sub: 'ann' });
    await verify(old);
    await issuer.rotate();
    expect(await verify(await issuer.sign({ sub: 'bob' }))).toMatchObject({ subject: 'bob' });
    expect(await reason(old)).toBe('UNAUTHENTICATED');
  });

  test('are not fetched for every key id that somebody invents', async () => {
    const { verify, reason } = verifying({ cooldownMs: 60_000 });
    await verify(await issuer.sign({ sub: 'ann' }));
    for (let i = 0; i < 10; i++) {
      const header = { kid: `invented-${i}` };
      expect(await reason(await issuer.sign({ sub: 'ann' }, { header }))).toBe('UNAUTHENTICATED');
    }
    expect(issuer.fetches()).toBe(1);
  });

  test('are fetched anew after 10 minutes, behind the request that finds them old', async () => {
    const { verify, pass } = verifying();
    const token = await issuer.sign({ sub: 'ann' });
    await verify(token);
    issuer.become('silent');
    pass(600_001);
    await verify(token); // does not wait
    await expect.poll(issuer.fetches).toBe(2);
  });
});

describe('an issuer that is away', () => {
  test.each(['broken', 'silent'] as const)(
    '(%s) keeps nobody out whose key is known',
    async (state) => {
      const { verify, pass } = verifying();
      const token = await issuer.sign({ sub: 'ann' });
      await verify(token);
      issuer.become(state);
      for (const hours of [1, 10, 12]) {
        pass(hours * 3_600_000);
        expect(await verify(token)).toMatchObject({ subject: 'ann' });
      }
    },
  );

  test.each(['broken', 'silent'] as const)(
    '(%s) is no fault of the caller: a cold start answers DEPENDENCY_UNAVAILABLE, and recovers',
    async (state) => {
      issuer.become(state);
      const { verify } = verifying();
      const token = await issuer.sign({ sub: 'ann' });
      await expect(verify(token)).rejects.toMatchObject({
        reason: 'DEPENDENCY_UNAVAILABLE',
        retryAfterMs: expect.any(Number),
      });
      issuer.become('up');
      await expect
        .poll(() => verify(token).catch(() => undefined))
        .toMatchObject({ subject: 'ann' });
    },
  );

  test('is asked through the guard alone, and what that refuses says when to come again', async () => {
    const refusal = new ReasonError('DEPENDENCY_UNAVAILABLE', 'open', { retryAfterMs: 4_321 });
    const { verify } = verifying({ guard: () => Promise.reject(refusal) });
    await expect(verify(await issuer.sign({ sub: 'ann' }))).rejects.toMatchObject({
      reason: 'DEPENDENCY_UNAVAILABLE',
      retryAfterMs: 4_321,
    });
    expect(issuer.fetches()).toBe(0);
  });

  test.each(['broken', 'malformed'] as const)(
    '(%s) cannot have keys believed for ever: after a day they may have been withdrawn',
    async (state) => {
      const { verify, reason, pass } = verifying();
      const token = await issuer.sign({ sub: 'ann' });
      await verify(token);
      issuer.become(state);
      pass(24 * 3_600_000 + 1);
      expect(await reason(token)).toBe('DEPENDENCY_UNAVAILABLE');
      expect(await reason(token)).toBe('DEPENDENCY_UNAVAILABLE');
    },
  );
});
