import { setTimeout as sleep } from 'node:timers';
import { ReasonError } from '@ordermesh/contract';
import type { CallContext } from '@ordermesh/rpc';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { behind, boundedWait } from './bounded-wait.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const callWith = (remainingMs: number, signal = new AbortController().signal): CallContext => ({
  signal,
  caller: { subject: 'anonymous', service: '' },
  clientAddress: '127.0.0.1',
  remainingMs: () => remainingMs,
  metadata: () => [],
  setHeader: () => undefined,
});
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
const late = async () => behind({ currentVersion: '1' });

describe('boundedWait()', () => {
  it.each([
    ['as long as it may', 10_000, 1_500],
    ['until 150 ms before the caller’s deadline', 1_000, 850],
    ['just that', 151, 1],
  ])('waits %s', async (_, remainingMs, boundMs) => {
    const started = performance.now();
    const outcome = boundedWait(callWith(remainingMs), 1_500, untilAborted, late).catch(
      (error: unknown) => ({ error, afterMs: performance.now() - started }),
    );
    await vi.advanceTimersByTimeAsync(5_000);
    const { error, afterMs } = (await outcome) as { error: ReasonError; afterMs: number };
    expect(error).toMatchObject({
      reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
      code: 'ABORTED',
      metadata: { currentVersion: '1' },
      retryAfterMs: 1000,
    });
    expect(afterMs).toBe(boundMs);
  });

  it('has one look when there is less time than that', async () => {
    expect(await boundedWait(callWith(100), 1_500, async () => 'there', late)).toBe('there');
    const behindIt = boundedWait(callWith(100), 1_500, untilAborted, late);
    const refused = expect(behindIt).rejects.toThrow(ReasonError);
    await vi.advanceTimersByTimeAsync(1);
    await refused;
  });

  it('answers what was waited for, and leaves no timer', async () => {
    const wait = () => new Promise((resolve) => void sleep(() => resolve('there'), 10));
    const outcome = boundedWait(callWith(10_000), 1_500, wait, late);
    await vi.advanceTimersByTimeAsync(10);
    expect(await outcome).toBe('there');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('passes other errors on', async () => {
    const broken = new Error('broken');
    const wait = () => Promise.reject(broken);
    await expect(boundedWait(callWith(10_000), 1_500, wait, late)).rejects.toBe(broken);
  });

  it('asks nothing more for a caller who went away', async () => {
    const gone = new AbortController();
    const tooLate = vi.fn(late);
    const outcome = boundedWait(callWith(10_000, gone.signal), 1_500, untilAborted, tooLate);
    const reason = new Error('gone');
    gone.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    expect(tooLate).not.toHaveBeenCalled();
  });
});
