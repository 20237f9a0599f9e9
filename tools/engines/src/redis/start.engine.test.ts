import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive, isSkipped, killParentOf, takenPort } from '../../test/processes.ts';
import { REDIS_DATABASES, startRedis } from './start.ts';

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'ordermesh-redis-test-'));
});
afterAll(() => rmSync(dataDir, { recursive: true }));

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  redis.on('error', () => {}); // the server is killed under it
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

describe.skipIf(isSkipped('redis'))('startRedis()', () => {
  test('serves many databases and ends when disposed, however often', async () => {
    const redis = await startRedis();
    const last = `${redis.url}/${REDIS_DATABASES - 1}`;
    expect(await withRedis(last, (client) => client.set('a', '1'))).toBe('OK');
    expect(await withRedis(redis.url, (client) => client.get('a'))).toBeNull();
    await redis[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    expect(isAlive(redis.pid)).toBe(false);
  });

  test('keeps what it answered through kill -9 when it has a data folder', async () => {
    await using redis = await startRedis({ dataDir });
    const { url, pid } = redis;
    await withRedis(url, (client) => client.set('kept', 'yes'));
    await redis.kill();
    expect(await redis.exited).toMatchObject({ signal: 'SIGKILL' });
    await redis.restart();
    expect(redis.url).toBe(url);
    expect(redis.pid).not.toBe(pid);
    expect(await withRedis(url, (client) => client.get('kept'))).toBe('yes');
  });

  test('forgets through a restart when it has none', async () => {
    await using redis = await startRedis();
    await withRedis(redis.url, (client) => client.set('kept', 'no'));
    await redis.restart();
    expect(await withRedis(redis.url, (client) => client.get('kept'))).toBeNull();
  });

  test('says that a fixed port is taken', async () => {
    await using taken = await takenPort();
    await expect(startRedis({ port: taken.port })).rejects.toThrow(
      `port ${taken.port} is taken: free it, or choose another for Redis`,
    );
  });

  test('ends when its parent is killed', () => killParentOf('redis'));
});
