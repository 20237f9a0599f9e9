import type { BusMessage } from '@ordermesh/contract';

/** How many entries lie between places that one consumer has read up to; Redis cannot tell that without reading them. */
export interface EntryCounts {
  /** Notes one read: the messages directly behind `after`. */
  note(partition: number, after: bigint, messages: readonly BusMessage[]): void;
  /** Entries between two ends of reads; undefined when one of them is none. Forgets what lies before `from`. */
  between(partition: number, from: bigint, to: bigint): number | undefined;
}

/** Nothing read yet. */
export function entryCounts(): EntryCounts {
  /** For each partition the ends of reads, and how many entries came before since the first of them. */
  const partitions = new Map<number, Map<bigint, number>>();
  return {
    note(partition, after, messages) {
      const last = messages.at(-1);
      if (last === undefined) return;
      let ends = partitions.get(partition);
      if (ends?.has(after) !== true) {
        ends = new Map([[after, 0]]); // gained, or gained again: what was read before is not connected
        partitions.set(partition, ends);
      }
      ends.set(last.position, (ends.get(after) ?? 0) + messages.length);
    },
    between(partition, from, to) {
      const ends = partitions.get(partition);
      const [first, last] = [ends?.get(from), ends?.get(to)];
      if (ends === undefined || first === undefined || last === undefined) return undefined;
      for (const end of ends.keys()) if (end < from) ends.delete(end);
      return last - first;
    },
  };
}
