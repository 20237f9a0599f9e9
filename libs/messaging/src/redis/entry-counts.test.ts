import { type BusMessage, toMessage } from '@ordermesh/contract';
import { expect, it } from 'vitest';
import { sampleLog } from '../testing/sample-log.ts';
import { entryCounts } from './entry-counts.ts';

const log = sampleLog(1);
const order = log.orderIn(0);
const some = (count: number): BusMessage[] =>
  Array.from({ length: count }, () => toMessage(log.next(order), 0n));
const end = (messages: readonly BusMessage[]) => messages.at(-1)?.position ?? 0n;

it('counts over reads that follow each other, also a repeated one', () => {
  const counts = entryCounts();
  const [first, second] = [some(3), some(2)];
  counts.note(0, 0n, first);
  counts.note(0, 0n, first);
  counts.note(0, end(first), second);
  counts.note(0, end(second), []);
  expect(counts.between(0, 0n, end(second))).toBe(5);
  expect(counts.between(0, end(first), end(second))).toBe(2);
  expect(counts.between(0, end(second), end(second))).toBe(0);
});

it('knows nothing of places that are no ends of reads, or not connected', () => {
  const counts = entryCounts();
  const [first, second] = [some(3), some(2)];
  expect(counts.between(0, 0n, 3n)).toBeUndefined();
  counts.note(0, 0n, first);
  counts.note(0, 1_000n, second);
  expect(counts.between(0, 0n, end(second))).toBeUndefined();
  expect(counts.between(0, 1_000n, end(first))).toBeUndefined();
  expect(counts.between(1, 1_000n, end(second))).toBeUndefined();
  expect(counts.between(0, 1_000n, end(second))).toBe(2);
});

it('forgets what lies before the place it was asked from', () => {
  const counts = entryCounts();
  const first = some(3);
  counts.note(0, 0n, first);
  counts.between(0, end(first), end(first));
  expect(counts.between(0, 0n, end(first))).toBeUndefined();
});
