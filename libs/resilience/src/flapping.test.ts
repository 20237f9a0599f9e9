import { ReasonError } from '@ordermesh/contract';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { policy } from './policy.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('asks a dependency that comes and goes little while it is away, and everything once a probe finds it back', async () => {
  const options = { failureThreshold: 3, openMs: 500, maxOpenMs: 2_000, maxConcurrent: 10 };
  const guarded = policy({ name: 'customer', timeoutMs: 100, ...options });
  const states: string[] = [];
  using _ = guarded.onStateChange((state) => void states.push(state));
  const down = () => Promise.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'down'));
  for (let cycle = 0; cycle < 20; cycle++) {
    /** A caller each 100 ms, for 10 s. @returns how many calls the dependency saw */
    const tenSeconds = async (answer: () => Promise<unknown>) => {
      const dependency = vi.fn(answer);
      for (let i = 0; i < 100; i++) {
        await guarded.execute(dependency).catch(() => undefined);
        await vi.advanceTimersByTimeAsync(100);
      }
      return dependency.mock.calls.length;
    };
    states.length = 0;
    // Three open the circuit, at 0.2 s. Probes, each after twice the time up to 2 s: at 0.7, 1.7, 3.7, 5.7, 7.7, 9.7 s.
    expect(await tenSeconds(down)).toBe(3 + 6);
    expect(guarded.state()).toBe('open');
    // The next probe is at 11.7 s, and from then on all calls are let through.
    expect(await tenSeconds(async () => 'fine')).toBe(100 - 17);
    const probes = Array.from({ length: 6 }, () => ['half_open', 'open']).flat();
    expect(states).toEqual(['open', ...probes, 'half_open', 'closed']);
  }
});
