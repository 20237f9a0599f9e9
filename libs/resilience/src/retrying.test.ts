import { ReasonError } from '@ordermesh/contract';
import { describe, expect, it, vi } from 'vitest';
import { absent, errorOf, limited, options, overloaded } from '../test/guarded-calls.ts';
import { policy } from './policy.ts';

describe('retries', () => {
  const retry = { attempts: 3, firstDelayMs: 100 };
  const repeatable = { isRepeatable: true };
  const flaky = (failures: number, error = new ReasonError('DEPENDENCY_UNAVAILABLE', 'down')) => {
    let calls = 0;
    return vi.fn(async () => {
      if (calls++ < failures) throw error;
      return 'fine';
    });
  };
  const patient = { ...options, failureThreshold: 1_000, retry };
  /** The outcome, with the clock moved on until there is one. */
  const settled = async <T>(work: Promise<T>) => {
    const outcome = Promise.allSettled([work]);
    await vi.advanceTimersByTimeAsync(10_000);
    return (await outcome)[0];
  };

  it('try a repeatable call again, as often as allowed', async () => {
    const call = flaky(2);
    expect(await settled(policy(patient).execute(call, repeatable))).toMatchObject({
      value: 'fine',
    });
    const hopeless = flaky(9);
    const outcome = await settled(policy(patient).execute(hopeless, repeatable));
    expect(outcome.status).toBe('rejected');
    expect([call.mock.calls.length, hopeless.mock.calls.length]).toEqual([3, 3]);
  });

  it.each<[string, () => Promise<never>, number]>([
    ['a refusal, which will be the same', absent, 1],
    ['a limit without a time to come back', limited, 1],
    ['a dependency that sheds load', overloaded, 1],
    ['an error that nobody knows', () => Promise.reject(new Error('what')), 1],
    [
      'a limit that says when to come back',
      () => Promise.reject(new ReasonError('RATE_LIMITED', 'later', { retryAfterMs: 50 })),
      3,
    ],
  ])('after %s', async (_, answer, attempts) => {
    const call = vi.fn(answer);
    await settled(policy(patient).execute(call, repeatable));
    expect(call).toHaveBeenCalledTimes(attempts);
  });

  it('never repeat what must not happen twice', async () => {
    const call = flaky(1);
    await settled(policy(patient).execute(call));
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('wait at least as long as the dependency asked for', async () => {
    const later = new ReasonError('RATE_LIMITED', 'later', { retryAfterMs: 3_000 });
    const call = flaky(1, later);
    const outcome = policy(patient).execute(call, repeatable);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(call).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toBe('fine');
  });

  it('are not begun when the deadline would pass before an answer', async () => {
    const call = flaky(1);
    await settled(policy(patient).execute(call, { ...repeatable, remainingMs: () => 50 }));
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('end with their caller, who hears so at once', async () => {
    const call = flaky(1);
    const caller = new AbortController();
    const error = errorOf(policy(patient).execute(call, { ...repeatable, signal: caller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    caller.abort(new Error('client gone'));
    expect(await error).toMatchObject({ message: 'client gone' });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('do not ask an open circuit again', async () => {
    const guarded = policy({ ...options, failureThreshold: 1, retry });
    const call = flaky(9);
    const outcome = errorOf(guarded.execute(call, repeatable));
    await vi.advanceTimersByTimeAsync(options.openMs - 1);
    expect(await outcome).toMatchObject({ retryAfterMs: expect.any(Number) });
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('add at most a tenth to the load of a dependency that fails for good, after the first ten', async () => {
    const guarded = policy(patient);
    const call = flaky(Infinity);
    for (let i = 0; i < 1_000; i++) await settled(guarded.execute(call, repeatable));
    expect(call.mock.calls.length).toBeLessThanOrEqual(1_000 + 10 + 100);
    expect(call.mock.calls.length).toBeGreaterThan(1_050);
  });
});
