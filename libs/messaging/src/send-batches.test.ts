import { type BusMessage, toMessage } from '@ordermesh/contract';
import { expect, it } from 'vitest';
import { maxMessages, maxPartitionBytes, messageBytes, sendBatches } from './send-batches.ts';
import { sampleLog } from './testing/sample-log.ts';

const log = sampleLog(2);
const orders = [log.orderIn(0), log.orderIn(1)];
const message = (partition: number, bytes = 10): BusMessage => {
  const made = toMessage(log.next(orders[partition] as string), 0n);
  return { ...made, value: new Uint8Array(bytes) };
};
const batches = (messages: readonly BusMessage[]) => [...sendBatches(messages)];

it('leaves out nothing and keeps the order', () => {
  const messages = Array.from({ length: 1300 }, (_, n) => message(n % 2, n * 3));
  expect(batches(messages).flat()).toEqual(messages);
});

it('takes a bounded number of messages', () => {
  const sizes = batches(Array.from({ length: 1001 }, () => message(0))).map((run) => run.length);
  expect(sizes).toEqual([maxMessages, maxMessages, 1]);
});

it('bounds the bytes of each partition, not of all together', () => {
  const half = maxPartitionBytes / 2 - 1000;
  const both = [message(0, half), message(1, half), message(0, half), message(1, half)];
  expect(batches(both)).toHaveLength(1);
  expect(batches([...both, message(1, half)]).map((run) => run.length)).toEqual([4, 1]);
  for (const run of batches(both)) {
    const bytes = run.filter(({ partition }) => partition === 0).map(messageBytes);
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(maxPartitionBytes);
  }
});

it('sends what is too large by itself alone', () => {
  const large = message(0, maxPartitionBytes);
  expect(batches([message(0), large, message(0)]).map((run) => run.length)).toEqual([1, 1, 1]);
});

it('passes nothing for nothing', () => {
  expect(batches([])).toEqual([]);
});
