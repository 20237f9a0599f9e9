import { type BusMessage, header, type LogRow } from '@ordermesh/contract';
import { expect, it } from 'vitest';
import type { ReadPartition } from '../publisher.ts';
import { sampleLog } from '../testing/sample-log.ts';
import { restoreStreams } from './restore-streams.ts';

const log = sampleLog(2);
const orders = [log.orderIn(0), log.orderIn(1)];
// Partition 0 has the odd positions up to 1999 and then nothing; partition 1 the even ones, and all from 2000 to 2400.
const rows: LogRow[] = Array.from({ length: 2400 }, (_, n) =>
  log.next(orders[n < 2000 ? n % 2 : 1] as string),
);
const reached = [1999n, 2400n];

async function restore(held: readonly bigint[], keep = 10_000, upTo = reached) {
  const appended: { message: BusMessage; isAfterGap: boolean }[] = [];
  let reads = 0;
  const read: ReadPartition = async (partition, after, limit) => {
    reads++;
    return rows
      .filter((row) => row.partition === partition && row.position > after)
      .slice(0, limit);
  };
  const total = await restoreStreams({
    held,
    reached: upTo,
    keep,
    read,
    async append(messages, isAfterGap) {
      appended.push(...messages.map((message) => ({ message, isAfterGap })));
    },
    nameOf: (partition) => `s:${partition}`,
  });
  expect(total).toBe(appended.length);
  return { messages: appended.map(({ message }) => message), appended, reads };
}
const positions = (messages: readonly BusMessage[]) => messages.map(({ position }) => position);
const logOf = (partition: number, after = 0n) =>
  rows.filter((row) => row.partition === partition && row.position > after);
/** What each message says of the one before it is what the log says. */
function expectTrueChain(messages: readonly BusMessage[]): void {
  for (const { partition, position, headers } of messages) {
    const before = logOf(partition).filter((row) => row.position < position);
    expect(headers[header.prev]).toBe(String(before.at(-1)?.position ?? 0n));
  }
}

it('reads nothing when nothing is lost', async () => {
  expect(await restore(reached)).toMatchObject({ messages: [], reads: 0 });
});

it('appends exactly what is missing behind the last entry', async () => {
  const { messages } = await restore([1001n, 2390n]);
  const wanted = [...logOf(0, 1001n), ...logOf(1, 2390n)];
  expect(positions(messages)).toEqual(wanted.map(({ position }) => position));
  expectTrueChain(messages);
});

it('appends everything after a loss of everything, as far back as it is told', async () => {
  const { messages } = await restore([0n, 0n]);
  expect(messages).toHaveLength(rows.length);
  expectTrueChain(messages);
});

it('appends no more than was acknowledged: the rest is still to be published', async () => {
  const { messages } = await restore([0n, 0n], 10_000, [11n, 0n]);
  expect(positions(messages)).toEqual([1n, 3n, 5n, 7n, 9n, 11n]);
});

it('appends at least the last message of each partition, however far back it is', async () => {
  const { messages, appended } = await restore([0n, 0n], 1);
  expect(positions(messages.filter(({ partition }) => partition === 0))).toEqual([1999n]);
  expect(positions(messages.filter(({ partition }) => partition === 1))).toEqual([2400n]);
  expectTrueChain(messages);
  expect(appended.every(({ isAfterGap }) => isAfterGap)).toBe(true);
});

it('lets only its first message follow a gap', async () => {
  const { appended } = await restore([1999n, 0n], 2000);
  expect(appended.length).toBeGreaterThan(256);
  expect(appended.slice(0, 200).every(({ isAfterGap }) => isAfterGap)).toBe(true);
  expect(appended.slice(256).some(({ isAfterGap }) => isAfterGap)).toBe(false);
});

it('takes a stream for whole that has more than was written down, when the log has it', async () => {
  expect((await restore([1999n, 2400n], 10, [1997n, 2390n])).messages).toEqual([]);
});

it('refuses a stream that is ahead of the log, and says what to do', async () => {
  await expect(restore([1999n, 2401n])).rejects.toThrow(
    /stream s:1 is ahead of the log: position 2401 .*DEL s:1/,
  );
  await expect(restore([2000n, 2400n])).rejects.toThrow(/stream s:0 is ahead of the log/);
});
