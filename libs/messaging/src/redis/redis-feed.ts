import type { BusMessage } from '@ordermesh/contract';
import type { Logger } from '@ordermesh/telemetry';
import type { Redis } from 'ioredis';
import type { Feed } from '../leased/feed.ts';
import { settledWithin } from '../settled-within.ts';
import type { EntryCounts } from './entry-counts.ts';
import type { GroupAcks } from './group-acks.ts';
import { answerOf } from './redis-client.ts';
import { streamScript } from './redis-script.ts';
import { fromEntry, lastPositions, type StreamEntry, streamKey } from './redis-streams.ts';
import { watchStreams } from './watch-streams.ts';

/** What {@link redisFeed} needs. */
export interface RedisFeedOptions {
  readonly url: string;
  /** Disposed of with the feed. */
  readonly redis: Redis;
  readonly stream: string;
  readonly partitions: number;
  readonly group: string;
  readonly counts: EntryCounts;
  readonly acks: GroupAcks;
  readonly log: Logger;
}

/** What the last acknowledgements may take when the feed is disposed of; the next owner repeats them. */
const lastAcksMs = 1000;
/** Most entries counted one by one: 500 take Redis some 10 ms, during which it serves nobody else. */
const countAtMost = 500;

const countBehind = streamScript('count.lua');

/** The streams of Redis as a feed. What no relay wrote is left out. */
export function redisFeed(options: RedisFeedOptions): Feed {
  const { redis, stream, partitions, group, counts, acks, log } = options;
  return {
    async read(partition, after, limit, signal) {
      const messages: BusMessage[] = [];
      let from = `(${after}-0`;
      while (messages.length < limit) {
        signal.throwIfAborted();
        const asked = limit - messages.length;
        const reading = redis.xrangeBuffer(streamKey(stream, partition), from, '+', 'COUNT', asked);
        const entries: readonly StreamEntry[] = await answerOf(redis, reading);
        for (const entry of entries) {
          const message = fromEntry(partition, entry);
          if (message !== undefined) messages.push(message);
          else log.debug({ partition, id: String(entry[0]) }, 'left out what no relay wrote');
        }
        const last = entries.at(-1);
        if (last === undefined || entries.length < asked) break;
        from = `(${last[0]}`;
      }
      counts.note(partition, after, messages);
      return messages;
    },
    async touched(after) {
      const last = await lastPositions(redis, stream, partitions);
      return after
        .filter(({ partition, position }) => (last[partition] ?? 0n) > position)
        .map(({ partition }) => partition);
    },
    async count(after, limit) {
      const counting = after.map(async ({ partition, position }) => {
        const told = acks.told(partition);
        const between = told === undefined ? undefined : counts.between(partition, told, position);
        const most = Math.min(limit, countAtMost);
        const args = [group, String(position), String(told ?? ''), between ?? '', most];
        const behind = await countBehind(redis, streamKey(stream, partition), args);
        return [partition, Math.min(limit, Number(behind))] as const;
      });
      return new Map(await Promise.all(counting));
    },
    watch: (onTouched) => watchStreams(options, onTouched),
    async [Symbol.asyncDispose]() {
      await settledWithin(acks.settled(), lastAcksMs);
      redis.disconnect();
    },
  };
}
