import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Charge, Limiter, Quota } from '../quota.ts';

/** A limiter under test, with a clock that the test sets. */
export interface LimiterFixture extends AsyncDisposable {
  readonly limiter: Limiter;
  /** Milliseconds. */
  setClock(now: number): void;
}

/**
 * What every {@link Limiter} promises, as vitest tests.
 * @param name for titles
 * @param open called once
 */
export function limiterConformance(name: string, open: () => Promise<LimiterFixture>): void {
  describe(`${name} as a limiter`, () => {
    let fixture: LimiterFixture;
    let clients = 0;
    let now = 1_000_000_000_000; // a time of day in milliseconds, so that precision is that of use
    beforeAll(async () => {
      fixture = await open();
      at(0);
    });
    afterAll(() => fixture?.[Symbol.asyncDispose]());

    const start = now;
    const at = (offsetMs: number) => {
      now = start + offsetMs;
      fixture.setClock(now);
    };
    const client = () => `client-${++clients}`;
    const charge = (key: string, quota: Quota, cost = 1): Charge => ({ key, quota, cost });
    const take = (...charges: readonly Charge[]) => fixture.limiter.take(charges);
    const admitted = async (one: Charge, times: number) => {
      let count = 0;
      for (let i = 0; i < times; i++) if ((await take(one)).isAllowed) count++;
      return count;
    };

    const window: Quota = { kind: 'sliding-window', limit: 100, windowMs: 60_000 };
    const bucket: Quota = { kind: 'token-bucket', limit: 100, windowMs: 60_000 };

    test.each([window, bucket])(
      'a $kind admits its limit at once and not one more',
      async (quota) => {
        const one = charge(client(), quota);
        const verdicts = await Promise.all(Array.from({ length: 2_000 }, () => take(one)));
        expect(verdicts.filter(({ isAllowed }) => isAllowed)).toHaveLength(100);
        expect(verdicts[0]).toMatchObject({ retryAfterMs: 0, standings: [{ remaining: 99 }] });
        expect(verdicts.at(-1)?.standings).toMatchObject([{ remaining: 0, isViolated: true }]);
      },
    );

    test('a sliding window admits its limit in no stretch of its length, however bursts are placed', async () => {
      const one = charge(client(), window);
      const passed: number[] = [];
      // A burst at the window's end and a steady flow after: two-counter windows admit 199 here.
      for (const offset of [...Array<number>(100).fill(59_990), ...steps(60_000, 180_000, 500)]) {
        at(offset);
        if ((await take(one)).isAllowed) passed.push(offset);
      }
      const most = Math.max(
        ...passed.map((from) => passed.filter((t) => t >= from && t < from + 60_000).length),
      );
      expect(most).toBe(100);
      expect(passed.length).toBeGreaterThanOrEqual(200);
    });

    test('a token bucket admits its burst and then what is refilled', async () => {
      const one = charge(client(), bucket);
      at(0);
      expect(await admitted(one, 150)).toBe(100);
      at(6_000);
      expect(await admitted(one, 150)).toBe(10);
      at(6_600);
      expect(await admitted(one, 150)).toBe(1);
      at(10_000_000);
      expect(await admitted(one, 150)).toBe(100);
    });

    test('a token bucket whose tokens take no whole time admits its burst and no more', async () => {
      const one = charge(client(), { ...bucket, limit: 3, windowMs: 1_000 });
      at(0);
      expect(await admitted(one, 9)).toBe(3);
      at(332);
      expect(await admitted(one, 9)).toBe(0);
      at(334);
      expect(await admitted(one, 9)).toBe(1);
    });

    test.each([window, bucket])(
      'the wait that a refusing $kind names is enough and not too long',
      async (quota) => {
        const one = charge(client(), quota, 10);
        at(0);
        await admitted(one, 10);
        at(1_234);
        const { retryAfterMs, standings } = await take(one);
        expect(standings[0]?.resetMs).toBe(retryAfterMs);
        at(1_234 + retryAfterMs - 2);
        expect((await take(one)).isAllowed).toBe(false);
        at(1_234 + retryAfterMs);
        expect((await take(one)).isAllowed).toBe(true);
      },
    );

    test('a long window remembers through idle time', async () => {
      const hour: Quota = { kind: 'sliding-window', limit: 10, windowMs: 3_600_000 };
      const one = charge(client(), hour);
      at(0);
      expect(await admitted(one, 10)).toBe(10);
      at(3_000_000);
      expect(await admitted(one, 10)).toBe(0);
      at(3_700_000);
      expect(await admitted(one, 10)).toBe(10);
    });

    test.each([window, bucket])(
      'all charges of a request are taken or none, with a $kind',
      async (quota) => {
        at(0);
        const [wide, narrow] = [client(), client()];
        const both = () => take(charge(wide, quota), charge(narrow, { ...quota, limit: 2 }));
        await both();
        await both();
        const refused = await both();
        expect(refused.isAllowed).toBe(false);
        expect(refused.standings.map((standing) => standing?.isViolated)).toEqual([false, true]);
        const { standings } = await take(charge(wide, quota));
        expect(standings[0]?.remaining).toBe(97);
      },
    );

    test.each([window, bucket])(
      'a cost above the limit of a $kind never passes and is not charged',
      async (quota) => {
        const key = client();
        at(0);
        const never = await take(charge(key, quota, 101));
        expect(never).toMatchObject({ isAllowed: false, retryAfterMs: Number.POSITIVE_INFINITY });
        expect((await take(charge(key, quota, 100))).isAllowed).toBe(true);
      },
    );

    test('clients and quotas are counted apart', async () => {
      at(0);
      const [a, b] = [client(), client()];
      expect(await admitted(charge(a, { ...window, limit: 3 }), 5)).toBe(3);
      expect(await admitted(charge(b, { ...window, limit: 3 }), 5)).toBe(3);
    });

    test('a clock that is set back gives nothing back', async () => {
      const one = charge(client(), { ...window, limit: 5 });
      at(60_000);
      expect(await admitted(one, 9)).toBe(5);
      at(0);
      expect(await admitted(one, 9)).toBe(0);
    });

    test.each([300, 70_000])('counts of %i in one bucket are exact', async (limit) => {
      const one = charge(client(), { ...window, limit }, limit / 100);
      at(0);
      expect(await admitted(one, 101)).toBe(100);
      at(62_000);
      expect(await admitted(one, 101)).toBe(100);
    });
  });
}

function steps(from: number, to: number, by: number): number[] {
  return Array.from({ length: Math.floor((to - from) / by) }, (_, index) => from + index * by);
}
