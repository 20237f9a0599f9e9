import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BusMessage, header } from './bus-message.ts';
import { contradicts, type LastEvent, lastEventOf, requireSameLog } from './log-point.ts';

interface Event {
  readonly position: bigint;
  readonly eventId: string;
  readonly partition: number;
}

/** The events of one partition as a bus carries them, by the chain of the log. */
function chain(log: readonly Event[], partition = 0): BusMessage[] {
  let prev = 0n;
  return log
    .filter((event) => event.partition === partition)
    .map(({ position, eventId }) => {
      const headers = { [header.id]: eventId, [header.prev]: String(prev) };
      prev = position;
      return { partition, position, key: '', value: new Uint8Array(), headers };
    });
}

const grow = (log: readonly Event[], partitions: readonly number[]): Event[] => [
  ...log,
  ...partitions.map((partition, n) => ({
    position: BigInt(log.length + n + 1),
    eventId: randomUUID(),
    partition,
  })),
];
const partition = fc.nat(2);
const stretch = fc.array(partition, { maxLength: 12 });

describe('contradicts()', () => {
  it('is false for whatever a bus delivers of the same log: again, in any stretches, with gaps', () => {
    fc.assert(
      fc.property(stretch, fc.nat(), fc.array(fc.nat()), (partitions, reached, picks) => {
        const all = chain(grow([], partitions));
        const last = all[reached % (all.length + 1)];
        const at = last === undefined ? { position: 0n } : lastEventOf(last);
        // At least once: any messages lost, some stretches twice.
        const lossy = all.filter((_, n) => !picks.includes(n));
        const delivered = picks.length > 0 ? [...lossy, ...lossy.slice((picks[0] ?? 0) % 5)] : all;
        expect(contradicts(delivered, at)).toBe(false);
      }),
    );
  });

  it('is true for every log that was rolled back behind the last event and went on in its partition', () => {
    fc.assert(
      fc.property(stretch, stretch, stretch, (before, lost, others) => {
        const kept = grow([], before);
        const last = chain(grow(kept, lost)).at(-1);
        fc.pre(last !== undefined && last.position > BigInt(kept.length));
        const now = grow(kept, others);
        const delivered = chain(now);
        // As a relay that started over delivers it; nothing can be seen before the partition reaches the position.
        fc.pre((delivered.at(-1)?.position ?? 0n) >= (last?.position ?? 0n));
        expect(contradicts(delivered, lastEventOf(last as BusMessage))).toBe(true);
      }),
    );
  });

  it('passes over what cannot be read', () => {
    const last = { position: 5n, eventId: randomUUID() };
    const message = (position: bigint, prev?: string): BusMessage => ({
      ...{ partition: 0, position, key: '', value: new Uint8Array() },
      headers: prev === undefined ? {} : { [header.prev]: prev },
    });
    for (const messages of [[message(0n)], [message(7n)], [message(7n, 'x'), message(8n, '7')]])
      expect(contradicts(messages, last)).toBe(false);
  });
});

describe('requireSameLog()', () => {
  const [logId, eventId, other] = [randomUUID(), randomUUID(), randomUUID()];
  const check = (last: LastEvent, found: { logId: string; eventId?: string }) => () =>
    requireSameLog('orders-pg@000001', last, { eventId: undefined, ...found });

  it.each([
    ['the same event of the same log', { position: 3n, eventId, logId }, { logId, eventId }],
    ['nothing yet', { position: 0n }, { logId }],
    ['nothing yet of this log', { position: 0n, logId }, { logId }],
    ['an event that could not be read', { position: 3n, logId }, { logId, eventId }],
    ['an event before the log was asked', { position: 3n, eventId }, { logId, eventId }],
  ])('passes %s', (_what, last, found) => {
    expect(check(last, found)).not.toThrow();
  });

  it.each([
    ['another event', { position: 3n, eventId, logId }, { logId, eventId: other }, /there is/],
    ['a log that ends before', { position: 3n, eventId }, { logId }, /the log ends before it/],
    ['another log', { position: 3n, logId: other }, { logId, eventId }, /this is log/],
    ['another log, from nothing', { position: 0n, logId: other }, { logId }, /this is log/],
  ])('refuses %s, with what to do', (_what, last, found, why) => {
    expect(check(last, found)).toThrow(why);
    expect(check(last, found)).toThrow(/^LOG_DIVERGED: orders-pg@000001 has .*docs\/runbook\.md$/);
  });
});
