import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@ordermesh/postgres';
import type { Logger } from '@ordermesh/telemetry';
import type { Cursor, Feed } from '../leased/feed.ts';
import { answerOf, redisClient } from './redis-client.ts';
import { lastPositions, streamKey } from './redis-streams.ts';

/** What {@link watchStreams} needs. */
export interface WatchOptions {
  readonly url: string;
  readonly stream: string;
  readonly partitions: number;
  readonly log: Logger;
}

/** How long Redis holds a read that finds nothing. */
const blockMs = 5000;

/**
 * Waits for entries in all streams by one blocking read on a connection of its own, until disposed of. All, not those owned: nothing has to be said when
 * partitions move. Connects again for ever, and has everything looked at then.
 */
export function watchStreams(
  { url, stream, partitions, log }: WatchOptions,
  onTouched: Parameters<Feed['watch']>[0],
): AsyncDisposable {
  const redis = redisClient(url, 'ordermesh-bus-watch', blockMs + 5000);
  const stopped = new AbortController();
  const keys = Array.from({ length: partitions }, (_, n) => streamKey(stream, n));

  async function watchOnce(onUp: () => void): Promise<void> {
    let seen = await lastPositions(redis, stream, partitions);
    onUp();
    onTouched(undefined);
    while (!stopped.signal.aborted) {
      const ids = seen.map((position) => `${position}-0`);
      const reading = redis.xread('COUNT', 1, 'BLOCK', blockMs, 'STREAMS', ...keys, ...ids);
      if ((await answerOf(redis, reading)) === null) continue;
      // The read tells the first new entry of some streams. Many may have come, also meanwhile, also elsewhere.
      const before = seen;
      seen = await lastPositions(redis, stream, partitions);
      const now = seen.map((position, partition): Cursor => ({ partition, position }));
      onTouched(now.filter(({ partition, position }) => position > (before[partition] ?? 0n)));
    }
  }

  async function watch(): Promise<void> {
    for (let failures = 1; !stopped.signal.aborted; failures++) {
      try {
        await watchOnce(() => {
          failures = 0;
        });
      } catch (err) {
        if (!stopped.signal.aborted) log.debug({ err }, 'no news of Redis, polling goes on');
      }
      const pauseMs = backoffMs(Math.max(1, failures), 50, 1000, Math.random);
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  }

  const watching = watch();
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      redis.disconnect();
      await watching;
    },
  };
}
