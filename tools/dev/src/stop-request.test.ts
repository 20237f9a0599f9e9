import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { stopRequest } from './stop-request.ts';

function signals() {
  const source = new EventEmitter();
  let now = 1_000;
  const send = (signal: NodeJS.Signals, atMs: number) => {
    now = 1_000 + atMs;
    source.emit(signal, signal);
  };
  return { send, request: stopRequest(source, () => now) };
}

test('stops at the first signal, and tells which', () => {
  const { request, send } = signals();
  send('SIGTERM', 0);
  expect(request.stop.reason).toBe('SIGTERM');
  expect(request.kill.aborted).toBe(false);
});

test('takes a second signal within 500 ms for the first, forwarded by npm', () => {
  const { request, send } = signals();
  send('SIGINT', 0);
  send('SIGINT', 499);
  expect(request.kill.aborted).toBe(false);
  send('SIGINT', 500);
  expect(request.kill.aborted).toBe(true);
});
