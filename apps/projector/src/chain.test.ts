import { type BusMessage, header } from '@ordermesh/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ReadStretch, wholeChain } from './chain.ts';

const signal = new AbortController().signal;

const message = (position: bigint, prev: bigint | string | undefined): BusMessage => ({
  partition: 3,
  position,
  key: `order at ${position}`,
  value: new Uint8Array(),
  headers: prev === undefined ? {} : { [header.prev]: String(prev) },
});

/** The messages at these positions of a partition that has nothing else. */
function chain(...positions: readonly bigint[]): BusMessage[] {
  return positions.map((position, i) => message(position, positions[i - 1] ?? 0n));
}

/** A log of these messages that answers `limit` at a time, and notes what it was asked for. */
function logOf(messages: readonly BusMessage[], limit = 100) {
  const asked: [number, bigint][] = [];
  const read: ReadStretch = async (partition, after) => {
    asked.push([partition, after]);
    return messages.filter(({ position }) => position > after).slice(0, limit);
  };
  return { asked, read };
}

async function runs(
  delivered: readonly BusMessage[],
  checkpoint: bigint,
  read: ReadStretch,
): Promise<bigint[][]> {
  const seen: bigint[][] = [];
  for await (const run of wholeChain(delivered, checkpoint, read, signal))
    seen.push(run.map(({ position }) => position));
  return seen;
}

const all = chain(2n, 5n, 6n, 9n, 12n);
const at = (...positions: readonly bigint[]) =>
  all.filter(({ position }) => positions.includes(position));

describe('wholeChain()', () => {
  it('passes on what has no position, where it stands: neither a duplicate nor the end of a gap', async () => {
    const log = logOf(all);
    const lost = message(-4n, 9n);
    expect(await runs([...at(2n), lost, ...at(9n), lost], 0n, log.read)).toEqual([
      [2n, -4n],
      [5n, 6n],
      [9n, -4n],
    ]);
    expect(log.asked).toEqual([[3, 2n]]);
    expect(await runs([lost], 12n, log.read)).toEqual([[-4n]]);
  });

  it('passes a delivery without gaps on as it is, without asking the log', async () => {
    const log = logOf(all);
    expect(await runs(all, 0n, log.read)).toEqual([[2n, 5n, 6n, 9n, 12n]]);
    expect(await runs(at(9n, 12n), 6n, log.read)).toEqual([[9n, 12n]]);
    expect(log.asked).toEqual([]);
  });

  it('drops what is at or before the checkpoint, and what comes twice', async () => {
    const log = logOf(all);
    expect(await runs(all, 6n, log.read)).toEqual([[9n, 12n]]);
    expect(await runs(all, 12n, log.read)).toEqual([]);
    expect(await runs([...at(2n, 5n), ...all], 0n, log.read)).toEqual([[2n, 5n, 6n, 9n, 12n]]);
    expect(log.asked).toEqual([]);
  });

  it('reads what is missing in front', async () => {
    const log = logOf(all);
    expect(await runs(at(9n, 12n), 2n, log.read)).toEqual([
      [5n, 6n],
      [9n, 12n],
    ]);
    expect(log.asked).toEqual([[3, 2n]]);
  });

  it('reads what is missing in the middle, after what is in front of it', async () => {
    const log = logOf(all);
    expect(await runs(at(2n, 5n, 12n), 0n, log.read)).toEqual([[2n, 5n], [6n, 9n], [12n]]);
    expect(log.asked).toEqual([[3, 5n]]);
  });

  it('reads a long stretch in several pieces', async () => {
    const log = logOf(all, 2);
    expect(await runs(at(12n), 0n, log.read)).toEqual([[2n, 5n], [6n, 9n], [12n]]);
    expect(log.asked.map(([, after]) => after)).toEqual([0n, 5n]);
  });

  it('takes from the log only what is missing, though it has more by now', async () => {
    const log = logOf(all);
    expect(await runs(at(6n), 2n, log.read)).toEqual([[5n], [6n]]);
  });

  it('fails when the log lacks it, too', async () => {
    const log = logOf(at(2n, 5n, 12n));
    await expect(runs(at(12n), 5n, log.read)).rejects.toThrow(
      'partition 3 lacks the events from 5 to 9, on the bus and in the log',
    );
  });

  it('has handed over what is in front of a stretch that cannot be read', async () => {
    const seen: bigint[] = [];
    const unavailable = new Error('no command service');
    const read = () => Promise.reject(unavailable);
    const consume = async () => {
      for await (const run of wholeChain(at(2n, 5n, 12n), 0n, read, signal))
        seen.push(...run.map(({ position }) => position));
    };
    await expect(consume()).rejects.toBe(unavailable);
    expect(seen).toEqual([2n, 5n]);
  });

  it.each([
    ['absent', undefined],
    ['no number', 'x'],
    ['negative', '-1'],
    ['its own position', '9'],
    ['a later position', '999'],
  ])('takes a message whose predecessor is %s as the next one', async (_, prev) => {
    const log = logOf(all);
    const delivered = [...at(6n), message(9n, prev), ...at(12n)];
    expect(await runs(delivered, 5n, log.read)).toEqual([[6n, 9n, 12n]]);
    expect(log.asked).toEqual([]);
  });

  it('makes any delivery whole: each event after the checkpoint once, in order, up to the last one delivered', async () => {
    const positions = fc.uniqueArray(fc.bigInt({ min: 1n, max: 60n }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        positions,
        fc.nat(),
        fc.nat(),
        fc.infiniteStream(fc.boolean()),
        fc.integer({ min: 1, max: 5 }),
        async (unsorted, from, upTo, lost, limit) => {
          const log = chain(...unsorted.sort((a, b) => Number(a - b)));
          const end = 1 + (upTo % log.length);
          const checkpoint = [0n, ...log.map(({ position }) => position)][
            from % (end + 1)
          ] as bigint;
          const last = log[end - 1] as BusMessage;
          const delivered = log.slice(0, end).filter((one) => one === last || !lost.next().value);
          const seen = (await runs(delivered, checkpoint, logOf(log, limit).read)).flat();
          const expected = log.slice(0, end).map(({ position }) => position);
          expect(seen).toEqual(expected.filter((position) => position > checkpoint));
        },
      ),
    );
  });
});
