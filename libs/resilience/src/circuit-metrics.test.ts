import { metricsText } from '@ordermesh/telemetry';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { policy } from './policy.ts';

/** Value of the one series with `target="metered"` and `labels`, undefined if there is none. */
async function series(name: string, labels = ''): Promise<string | undefined> {
  const line = new RegExp(`^${name}\\{target="metered"${labels}\\} (\\S+)`, 'm');
  return line.exec(await metricsText())?.[1];
}

// Only the clock: timers stay real for the scrape.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('reports the state of each circuit from its start, and counts its changes', async () => {
  const openMs = 1_000;
  const guarded = policy({
    name: 'metered',
    timeoutMs: 1_000,
    failureThreshold: 1,
    openMs,
    maxConcurrent: 1,
  });
  expect(await series('circuit_breaker_state')).toBe('0');
  await guarded.execute(() => Promise.reject(new Error('down'))).catch(() => undefined);
  expect(await series('circuit_breaker_state')).toBe('1');
  vi.advanceTimersByTime(openMs);
  const probe = await guarded.execute(() => series('circuit_breaker_state'));
  expect(probe).toBe('2');
  expect(await series('circuit_breaker_state')).toBe('0');
  for (const to of ['open', 'half_open', 'closed'])
    expect(await series('circuit_breaker_transitions_total', `,to="${to}"`)).toBe('1');
});
