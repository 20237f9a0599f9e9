import { ReasonError } from '@ordermesh/contract';
import { describe, expect, it, vi } from 'vitest';
import {
  absent,
  errorOf,
  fail,
  fine,
  hangs,
  limited,
  options,
  overloaded,
} from '../test/guarded-calls.ts';
import type { Attempt } from './attempt.ts';
import { policy } from './policy.ts';

describe('a closed circuit', () => {
  it('passes results and errors on', async () => {
    const guarded = policy(options);
    expect(await guarded.execute(fine)).toBe('fine');
    expect(await errorOf(guarded.execute(absent))).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
  });

  it('opens after the given number of failures in a row', async () => {
    const guarded = policy(options);
    await fail(guarded, 2);
    expect(guarded.state()).toBe('closed');
    await fail(guarded, 1);
    expect(guarded.state()).toBe('open');
  });

  it('starts counting again after a refusal, which is an answer of a healthy dependency', async () => {
    const guarded = policy(options);
    await fail(guarded, 2);
    await errorOf(guarded.execute(absent));
    await fail(guarded, 2);
    expect(guarded.state()).toBe('closed');
  });

  it('never opens by refusals', async () => {
    const guarded = policy(options);
    for (let i = 0; i < 20; i++) await errorOf(guarded.execute(absent));
    expect(guarded.state()).toBe('closed');
  });

  it('takes no notice of a dependency that sheds load: it refuses the less important first', async () => {
    const guarded = policy({ ...options, failureThreshold: 1 });
    await errorOf(guarded.execute(overloaded));
    expect(guarded.state()).toBe('closed');
  });

  it('takes no notice of a caller who had less time than an attempt may take', async () => {
    const guarded = policy({ ...options, failureThreshold: 1 });
    const late = () => Promise.reject(new ReasonError('DEADLINE_EXCEEDED', 'too late'));
    await errorOf(guarded.execute(late, { remainingMs: () => options.timeoutMs - 1 }));
    expect(guarded.state()).toBe('closed');
    await errorOf(guarded.execute(late, { remainingMs: () => options.timeoutMs }));
    expect(guarded.state()).toBe('open');
  });

  it('goes on counting after an answer that proves nothing', async () => {
    const guarded = policy(options);
    await fail(guarded, 2);
    await errorOf(guarded.execute(limited));
    await fail(guarded, 1);
    expect(guarded.state()).toBe('open');
  });

  it('forgets failures that are older than the window', async () => {
    const guarded = policy(options);
    await fail(guarded, 2);
    await vi.advanceTimersByTimeAsync(options.failureWindowMs);
    await fail(guarded, 2);
    expect(guarded.state()).toBe('closed');
    await fail(guarded, 1);
    expect(guarded.state()).toBe('open');
  });
});

describe('the time limit', () => {
  it('ends an attempt that ignores its signal with DEADLINE_EXCEEDED and counts it as a failure', async () => {
    const guarded = policy({ ...options, failureThreshold: 1 });
    const error = errorOf(guarded.execute(hangs));
    await vi.advanceTimersByTimeAsync(options.timeoutMs);
    expect(await error).toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    expect(guarded.state()).toBe('open');
  });

  it('tells the call by its signal', async () => {
    const signals: AbortSignal[] = [];
    const call = (attempt: Attempt) => {
      signals.push(attempt.signal);
      return hangs();
    };
    const error = errorOf(policy(options).execute(call));
    await vi.advanceTimersByTimeAsync(options.timeoutMs);
    expect(signals[0]?.reason).toBe(await error);
  });

  it('is that of each call, whenever others began or ended', async () => {
    const guarded = policy(options);
    const errors = [errorOf(guarded.execute(hangs))];
    await guarded.execute(fine);
    await vi.advanceTimersByTimeAsync(options.timeoutMs - 1);
    errors.push(errorOf(guarded.execute(hangs)));
    const ended: number[] = [];
    for (const [index, error] of errors.entries()) error.then(() => ended.push(index));
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toEqual([0]);
    await vi.advanceTimersByTimeAsync(options.timeoutMs - 2);
    expect(ended).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toEqual([0, 1]);
  });

  it('does not tell a call that has ended: what it left running may be of use to others', async () => {
    const signals: AbortSignal[] = [];
    const call = async (attempt: Attempt) => signals.push(attempt.signal);
    await policy(options).execute(call);
    await vi.advanceTimersByTimeAsync(2 * options.timeoutMs);
    expect(signals[0]?.aborted).toBe(false);
  });

  it('tells a call that asks for its signal too late', async () => {
    const call = vi.fn((_attempt: Attempt) => hangs());
    const error = errorOf(policy(options).execute(call));
    await vi.advanceTimersByTimeAsync(options.timeoutMs);
    expect(call.mock.calls[0]?.[0].signal.reason).toBe(await error);
  });
});

describe("the caller's signal", () => {
  it('of a caller that has gone already begins nothing, not even a probe', async () => {
    const guarded = policy({ ...options, failureThreshold: 1 });
    await fail(guarded, 1);
    await vi.advanceTimersByTimeAsync(options.openMs);
    const call = vi.fn();
    const signal = AbortSignal.abort(new Error('client gone'));
    expect(await errorOf(guarded.execute(call, { signal }))).toMatchObject({
      message: 'client gone',
    });
    expect(call).not.toHaveBeenCalled();
  });

  it('rejects with its reason at once, reaches the call, and trips nothing', async () => {
    const guarded = policy({ ...options, failureThreshold: 1 });
    const call = vi.fn((_attempt: Attempt) => hangs());
    for (let i = 0; i < 5; i++) {
      const caller = new AbortController();
      const error = errorOf(guarded.execute(call, { signal: caller.signal }));
      caller.abort(new Error('client gone'));
      expect(await error).toMatchObject({ message: 'client gone' });
      expect(call.mock.lastCall?.[0].signal.aborted).toBe(true);
    }
    expect(guarded.state()).toBe('closed');
  });

  it('is no failure of the dependency, even when the call turns it into one', async () => {
    const guarded = policy({ ...options, failureThreshold: 1 });
    const caller = new AbortController();
    const call = ({ signal }: Attempt) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () =>
          reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'cut')),
        );
      });
    const error = errorOf(guarded.execute(call, { signal: caller.signal }));
    caller.abort();
    await error;
    await vi.advanceTimersByTimeAsync(options.timeoutMs);
    expect(guarded.state()).toBe('closed');
  });

  it('calls nobody when it has fired before', async () => {
    const call = vi.fn(fine);
    await errorOf(policy(options).execute(call, { signal: AbortSignal.abort() }));
    expect(call).not.toHaveBeenCalled();
  });
});

describe('an isolated circuit', () => {
  it('refuses until it is released, whatever time passes', async () => {
    const guarded = policy(options);
    guarded.isolate();
    guarded.isolate();
    await vi.advanceTimersByTimeAsync(3_600_000);
    const call = vi.fn(fine);
    expect(await errorOf(guarded.execute(call))).toMatchObject({
      reason: 'DEPENDENCY_UNAVAILABLE',
      retryAfterMs: 5_000,
    });
    expect([guarded.state(), guarded.isIsolated(), call.mock.calls.length]).toEqual([
      'open',
      true,
      0,
    ]);
    guarded.release();
    guarded.release();
    expect(await guarded.execute(fine)).toBe('fine');
    expect([guarded.state(), guarded.isIsolated()]).toEqual(['closed', false]);
  });
});

describe('dry-run mode', () => {
  it('reports the state that the circuit would have, and calls all the same', async () => {
    const guarded = policy({ ...options, mode: 'dry-run' });
    await fail(guarded, 3);
    expect(guarded.state()).toBe('open');
    expect(await guarded.execute(fine)).toBe('fine');
    expect(guarded.state()).toBe('open');
  });
});

describe('the bulkhead', () => {
  it('refuses calls beyond its places, which is neither failure nor success', async () => {
    const guarded = policy({ ...options, failureThreshold: 2, maxConcurrent: 2 });
    await fail(guarded, 1);
    const ends = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const running = ends.map((end) => guarded.execute(() => end.promise));
    for (let i = 0; i < 5; i++) {
      expect(await errorOf(guarded.execute(fine))).toMatchObject({
        reason: 'DEPENDENCY_UNAVAILABLE',
        retryAfterMs: options.timeoutMs,
      });
    }
    expect(guarded.state()).toBe('closed');
    ends[0]?.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'down'));
    ends[1]?.resolve('fine');
    await Promise.allSettled(running);
    expect(guarded.state()).toBe('open');
  });

  it('gets its place back from a call that hangs', async () => {
    const guarded = policy({ ...options, maxConcurrent: 1 });
    const error = errorOf(guarded.execute(hangs));
    await vi.advanceTimersByTimeAsync(options.timeoutMs);
    await error;
    expect(await guarded.execute(fine)).toBe('fine');
  });
});

describe('policy()', () => {
  it('tells of each state until disposed of', async () => {
    const guarded = policy(options);
    const states: string[] = [];
    const subscription = guarded.onStateChange((state) => states.push(state));
    await fail(guarded, 3);
    await vi.advanceTimersByTimeAsync(options.openMs);
    await guarded.execute(fine);
    subscription[Symbol.dispose]();
    await fail(guarded, 3);
    expect(states).toEqual(['open', 'half_open', 'closed']);
  });

  it.each([
    'timeoutMs',
    'failureThreshold',
    'failureWindowMs',
    'openMs',
    'maxOpenMs',
    'successThreshold',
    'maxConcurrent',
  ] as const)('refuses a %s that is not positive', (name) => {
    for (const value of [0, -1, Number.NaN]) {
      expect(() => policy({ ...options, [name]: value })).toThrow(name);
    }
  });

  it('leaves no timer running when nothing was called for as long as an attempt may take', async () => {
    const guarded = policy(options);
    await guarded.execute(fine);
    await fail(guarded, 3);
    await vi.advanceTimersByTimeAsync(options.timeoutMs);
    expect(vi.getTimerCount()).toBe(0);
  });
});
