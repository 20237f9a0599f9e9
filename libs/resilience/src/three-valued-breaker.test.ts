import { ReasonError } from '@ordermesh/contract';
import { describe, expect, it, vi } from 'vitest';
import { absent, errorOf, fail, fine, hangs, limited, options } from '../test/guarded-calls.ts';
import type { Attempt } from './attempt.ts';
import { type Policy, type PolicyOptions, policy } from './policy.ts';

/** A circuit whose open time is over: the next call is the probe. */
async function ready(changes: Partial<PolicyOptions> = {}): Promise<Policy> {
  const guarded = policy({ ...options, ...changes });
  await fail(guarded, options.failureThreshold);
  await vi.advanceTimersByTimeAsync(options.openMs);
  return guarded;
}

describe('an open circuit', () => {
  it('refuses without calling, and says when to come back', async () => {
    const guarded = policy(options);
    await fail(guarded, 3);
    await vi.advanceTimersByTimeAsync(2_000);
    const call = vi.fn(fine);
    expect(await errorOf(guarded.execute(call))).toMatchObject({
      reason: 'DEPENDENCY_UNAVAILABLE',
      retryAfterMs: 3_000,
    });
    expect(call).not.toHaveBeenCalled();
  });

  it('is not kept open by a wall clock that is set back', async () => {
    const guarded = policy(options);
    await fail(guarded, 3);
    vi.setSystemTime(Date.now() - 3_600_000);
    await vi.advanceTimersByTimeAsync(options.openMs);
    expect(await guarded.execute(fine)).toBe('fine');
  });
});

describe('a half-open circuit', () => {
  it('closes when the probe succeeds', async () => {
    const guarded = await ready();
    await guarded.execute(fine);
    expect(guarded.state()).toBe('closed');
  });

  it('closes when the probe is refused, which is an answer', async () => {
    const guarded = await ready();
    await errorOf(guarded.execute(absent));
    expect(guarded.state()).toBe('closed');
  });

  it('opens again at once, and for the whole time, when the probe fails', async () => {
    const guarded = await ready();
    await fail(guarded, 1);
    expect(guarded.state()).toBe('open');
    expect(await errorOf(guarded.execute(fine))).toMatchObject({ retryAfterMs: options.openMs });
  });

  it('opens again when the probe proves nothing', async () => {
    const guarded = await ready();
    await errorOf(guarded.execute(limited));
    expect(guarded.state()).toBe('open');
  });

  it('needs a full row of failures to open after it has closed', async () => {
    const guarded = await ready();
    await guarded.execute(fine);
    await fail(guarded, 2);
    expect(guarded.state()).toBe('closed');
  });

  it('lets one probe through and refuses the rest', async () => {
    const guarded = await ready({ timeoutMs: 1_000 });
    const call = vi.fn(() => new Promise((resolve) => setTimeout(() => resolve('fine'), 500)));
    const probe = guarded.execute(call);
    for (let i = 0; i < 5; i++) {
      expect(await errorOf(guarded.execute(call))).toMatchObject({
        reason: 'DEPENDENCY_UNAVAILABLE',
        retryAfterMs: 1_000,
      });
    }
    await vi.advanceTimersByTimeAsync(500);
    expect(await probe).toBe('fine');
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('is not wedged by a probe that hangs', async () => {
    const guarded = await ready();
    const probe = errorOf(guarded.execute(hangs));
    await vi.advanceTimersByTimeAsync(options.timeoutMs);
    expect(guarded.state()).toBe('open');
    await probe;
    await vi.advanceTimersByTimeAsync(options.openMs);
    expect(await guarded.execute(fine)).toBe('fine');
  });

  it('is decided by the probe itself after its caller has gone', async () => {
    const guarded = await ready();
    const caller = new AbortController();
    const answer = Promise.withResolvers<string>();
    const call = vi.fn((_attempt: Attempt) => answer.promise);
    const error = errorOf(guarded.execute(call, { signal: caller.signal }));
    caller.abort(new Error('client gone'));
    expect(await error).toMatchObject({ message: 'client gone' });
    await vi.advanceTimersByTimeAsync(1);
    expect(guarded.state()).toBe('half_open');
    expect(call.mock.calls[0]?.[0].signal.aborted).toBe(false);
    answer.resolve('fine');
    await vi.advanceTimersByTimeAsync(1);
    expect(guarded.state()).toBe('closed');
  });

  it('opens again when a probe whose caller has gone fails', async () => {
    const guarded = await ready();
    const caller = new AbortController();
    const error = errorOf(guarded.execute(hangs, { signal: caller.signal }));
    caller.abort();
    await error;
    await vi.advanceTimersByTimeAsync(options.timeoutMs);
    expect(guarded.state()).toBe('open');
  });
});

describe('a probe that outlives its circuit', () => {
  it('does not let a second probe run beside the present one', async () => {
    const guarded = await ready({ timeoutMs: 60_000 });
    const [late, present] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const first = guarded.execute(() => late.promise);
    guarded.isolate();
    guarded.release();
    await fail(guarded, 3);
    await vi.advanceTimersByTimeAsync(options.openMs);
    const second = guarded.execute(() => present.promise);
    late.resolve('late');
    expect(await first).toBe('late');
    const call = vi.fn(fine);
    expect(await errorOf(guarded.execute(call))).toMatchObject({
      reason: 'DEPENDENCY_UNAVAILABLE',
    });
    expect(call).not.toHaveBeenCalled();
    present.resolve('fine');
    await second;
    expect(guarded.state()).toBe('closed');
  });
});

describe('a half-open circuit that wants several successes', () => {
  it('closes after that many, one probe at a time', async () => {
    const guarded = await ready({ successThreshold: 3 });
    for (let i = 0; i < 2; i++) await guarded.execute(fine);
    expect(guarded.state()).toBe('half_open');
    const answer = Promise.withResolvers<string>();
    const probe = guarded.execute(() => answer.promise);
    expect(await errorOf(guarded.execute(fine))).toMatchObject({
      reason: 'DEPENDENCY_UNAVAILABLE',
    });
    answer.resolve('fine');
    await probe;
    expect(guarded.state()).toBe('closed');
  });

  it('opens again with the first probe that fails', async () => {
    const guarded = await ready({ successThreshold: 3 });
    for (let i = 0; i < 2; i++) await guarded.execute(fine);
    await fail(guarded, 1);
    expect(guarded.state()).toBe('open');
  });
});

describe('the open time', () => {
  it('doubles with each probe that fails, up to its maximum, and starts anew after a success', async () => {
    const guarded = await ready({ maxOpenMs: 12_000 });
    const waits: unknown[] = [];
    for (const _ of [1, 2, 3]) {
      await fail(guarded, 1);
      const error = (await errorOf(guarded.execute(fine))) as ReasonError;
      waits.push(error.retryAfterMs);
      await vi.advanceTimersByTimeAsync(error.retryAfterMs ?? 0);
    }
    expect(waits).toEqual([10_000, 12_000, 12_000]);
    await guarded.execute(fine);
    await fail(guarded, 3);
    expect(await errorOf(guarded.execute(fine))).toMatchObject({ retryAfterMs: options.openMs });
  });
});

describe('calls from before the break', () => {
  /** Calls begun while closed that end when told, with the circuit opened behind their backs. */
  async function late(count: number) {
    const guarded = policy({ ...options, timeoutMs: 60_000 });
    const end = Promise.withResolvers<string>();
    const calls = Array.from({ length: count }, () => guarded.execute(() => end.promise));
    await fail(guarded, 3);
    await vi.advanceTimersByTimeAsync(options.openMs);
    return { guarded, end, calls };
  }

  it('do not reopen a half-open circuit by failing late', async () => {
    const { guarded, end, calls } = await late(4);
    const answer = Promise.withResolvers<string>();
    const probe = guarded.execute(() => answer.promise);
    end.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'late'));
    for (const call of calls) expect(await errorOf(call)).toMatchObject({ message: 'late' });
    expect(guarded.state()).toBe('half_open');
    answer.resolve('fine');
    await probe;
    expect(guarded.state()).toBe('closed');
  });

  it('do not open a circuit that has closed since', async () => {
    const { guarded, end, calls } = await late(4);
    await guarded.execute(fine);
    end.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'late'));
    await Promise.all(calls.map(errorOf));
    expect(guarded.state()).toBe('closed');
  });

  it('still deliver their results', async () => {
    const { end, calls } = await late(2);
    end.resolve('late but fine');
    expect(await Promise.all(calls)).toEqual(['late but fine', 'late but fine']);
  });
});
