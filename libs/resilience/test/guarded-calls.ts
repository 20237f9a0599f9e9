import { ReasonError } from '@ordermesh/contract';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { Policy } from '../src/policy.ts';

/** Of a policy whose time only the test moves. */
export const options = {
  name: 'customer',
  timeoutMs: 100,
  failureThreshold: 3,
  failureWindowMs: 10_000,
  openMs: 5_000,
  maxConcurrent: 10,
};

export const down = () => Promise.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'down'));
export const absent = () =>
  Promise.reject(new ReasonError('CUSTOMER_NOT_FOUND', 'no such customer'));
export const overloaded = () => Promise.reject(new ReasonError('OVERLOADED', 'shed'));
export const limited = () => Promise.reject(new ReasonError('RATE_LIMITED', 'too many'));
export const fine = () => Promise.resolve('fine');
export const hangs = () => new Promise<never>(() => undefined);

/** The error that a call ends with; a call that succeeds fails the test. */
export const errorOf = (call: Promise<unknown>) =>
  call.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => error,
  );

export async function fail(guarded: Policy, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await errorOf(guarded.execute(down));
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});
