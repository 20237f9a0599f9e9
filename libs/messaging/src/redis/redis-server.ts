import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@ordermesh/postgres';
import { StartupError } from '@ordermesh/service';
import { logger } from '@ordermesh/telemetry';
import type { Redis } from 'ioredis';
import { answerOf } from './redis-client.ts';
import { partitionsKey } from './redis-streams.ts';

/** Which streams a server is asked about. */
export interface RedisStreams {
  readonly stream: string;
  readonly partitions: number;
}

/**
 * Waits until the server answers, and looks whether it fits; writes down how many partitions there are, unless that is known.
 * @throws StartupError when the server is older than 7.0, or has streams of another number of partitions; the client's error when it does not answer in time, or is
 * closed
 */
export async function awaitRedis(
  redis: Redis,
  streams: RedisStreams,
  waitMs: number,
): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (let failures = 1; ; failures++) {
    try {
      return await answerOf(redis, check(redis, streams));
    } catch (error) {
      const pauseMs = backoffMs(failures, 50, 1000, Math.random);
      const isOver = performance.now() + pauseMs > deadline || redis.status === 'end';
      if (isOver || error instanceof StartupError) throw error;
      await sleep(pauseMs);
    }
  }
}

async function check(redis: Redis, { stream, partitions }: RedisStreams): Promise<void> {
  const info = await redis.info();
  const told = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  if (Number.parseInt(told('redis_version'), 10) < 7) {
    throw new StartupError([
      `REDIS_URL: Redis ${told('redis_version')} is too old for the bus; it must be 7.0 or later`,
    ]);
  }
  if (told('maxmemory') !== '0' && told('maxmemory_policy').startsWith('allkeys-')) {
    logger('messaging').warn(
      { policy: told('maxmemory_policy') },
      'Redis may evict the streams; set maxmemory-policy to noeviction or volatile-lru',
    );
  }
  const key = partitionsKey(stream);
  const found = (await redis.set(key, partitions, 'NX', 'GET')) ?? String(partitions);
  if (found !== String(partitions)) {
    throw new StartupError([
      `PARTITIONS is ${partitions}, but ${stream} in Redis has ${found} partitions: an order's events would be spread over two; set PARTITIONS to the log's number, or delete ${key} and the streams beside it`,
    ]);
  }
}
