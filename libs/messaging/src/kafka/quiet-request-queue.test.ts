import { expect, it, vi } from 'vitest';
import { requestQueue } from './quiet-request-queue.ts';

/** What the tests reach into; a kafkajs that changed it fails here. */
interface Internals {
  readonly pending: unknown[];
  readonly throttleCheckTimeoutId: NodeJS.Timeout | null;
  readonly inflight: Map<number, unknown>;
  push(request: object): void;
  fulfillRequest(response: object): void;
  maybeThrottle(ms: number): void;
  checkPendingRequests(): void;
  destroy(): void;
}

const logger = { debug() {}, warn() {}, error() {}, info() {} };
const queue = () =>
  new requestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 1000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test:1',
    logger,
  }) as unknown as Internals;
const request = (correlationId: number, sent: number[]) => ({
  entry: { correlationId, resolve() {}, reject() {} },
  expectResponse: true,
  sendRequest: () => sent.push(correlationId),
});

it('arms no timer while nothing waits', () => {
  const idle = queue();
  idle.checkPendingRequests();
  expect(idle.throttleCheckTimeoutId).toBeNull();
});

it('arms no timer with a negative delay, whatever waits', () => {
  const arm = vi.spyOn(globalThis, 'setTimeout');
  try {
    const sent: number[] = [];
    const busy = queue();
    for (const id of [1, 2, 3]) busy.push(request(id, sent)); // 2 and 3 wait, and no throttle was ever set
    busy.fulfillRequest({ correlationId: 1, size: 0, payload: null });
    busy.maybeThrottle(5);
    busy.checkPendingRequests();
    busy.fulfillRequest({ correlationId: 2, size: 0, payload: null });
    busy.destroy();
    const delays = arm.mock.calls.map(([, ms]) => ms ?? 0);
    expect(delays.length).toBeGreaterThan(0);
    expect(delays.filter((ms) => !(ms > 0))).toEqual([]);
  } finally {
    arm.mockRestore();
  }
});

it('sends what waits for an answer when that comes, and arms no timer afterwards', () => {
  const sent: number[] = [];
  const busy = queue();
  busy.push(request(1, sent));
  busy.push(request(2, sent));
  expect(sent).toEqual([1]);
  busy.fulfillRequest({ correlationId: 1, size: 0, payload: null });
  expect(sent).toEqual([1, 2]);
  busy.destroy();
  busy.fulfillRequest({ correlationId: 2, size: 0, payload: null });
  expect(busy.throttleCheckTimeoutId).toBeNull();
});

it('sends what a throttle held back when its time is over', () => {
  vi.useFakeTimers();
  try {
    const sent: number[] = [];
    const throttled = queue();
    throttled.maybeThrottle(200);
    throttled.push(request(1, sent));
    vi.advanceTimersByTime(150);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(sent).toEqual([1]);
    throttled.destroy();
  } finally {
    vi.useRealTimers();
  }
});
