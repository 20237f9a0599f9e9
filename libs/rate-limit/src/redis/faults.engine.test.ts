import { connect, createServer, type Socket } from 'node:net';
import { startRedis } from '@ordermesh/engines';
import { isMissing, testRedis } from '@ordermesh/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insuredLimiter } from '../insured-limiter.ts';
import type { Charge, Limiter, Quota } from '../quota.ts';
import { limiterRedis } from './limiter-redis.ts';
import { redisLimiter } from './redis-limiter.ts';

const quota: Quota = { kind: 'sliding-window', limit: 100, windowMs: 3_600_000 };
const charge = (key: string): Charge => ({ key, quota, cost: 1 });
const connections: Redis[] = [];

/** The limiter's own connection; without its time limit, which a busy machine may exceed, where a test is not about a server that hangs. */
async function connected(url: string, commandTimeout = 10_000): Promise<Redis> {
  const redis = limiterRedis(url, () => undefined);
  redis.options.commandTimeout = commandTimeout;
  connections.push(redis);
  if (redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
  return redis;
}

const admitted = async (limiter: Limiter, key: string, times: number) => {
  const verdicts = [];
  for (let i = 0; i < times; i++) verdicts.push(await limiter.take([charge(key)]));
  return verdicts.filter(({ isAllowed }) => isAllowed).length;
};

describe.skipIf(isMissing('redis'))('redisLimiter()', () => {
  afterAll(() => {
    for (const redis of connections) redis.disconnect();
  });

  test('two processes share a limit by the server’s clock, one of them 61 s ahead by its own', async () => {
    const { url, keyPrefix } = await testRedis();
    const limiters = await Promise.all(
      [1, 2].map(async () => redisLimiter({ redis: await connected(url), keyPrefix })),
    );
    const now = Date.now;
    Date.now = () => now() + 61_000;
    try {
      const counts = await Promise.all(limiters.map((limiter) => admitted(limiter, 'a', 80)));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(100);
    } finally {
      Date.now = now;
    }
  });

  test('does not notice that the server forgot its scripts', async () => {
    const { url, keyPrefix } = await testRedis();
    const redis = await connected(url);
    const limiter = redisLimiter({ redis, keyPrefix });
    expect(await admitted(limiter, 'a', 10)).toBe(10);
    await redis.script('FLUSH');
    expect(await admitted(limiter, 'a', 100)).toBe(90);
  });

  test('keeps 100 requests of a client in less than a thirtieth of what a log of them takes', async () => {
    const { url, keyPrefix } = await testRedis();
    const redis = await connected(url);
    await admitted(redisLimiter({ redis, keyPrefix }), 'a', 100);
    for (let i = 0; i < 100; i++)
      await redis.zadd(`${keyPrefix}log`, Date.now(), `${Date.now()}-${crypto.randomUUID()}`);
    const bytes = async (key: string) => Number(await redis.memory('USAGE', keyPrefix + key));
    const [ours, log] = [await bytes('a'), await bytes('log')];
    console.log(`a sliding window of 100 requests: ${ours} bytes; a sorted set of them: ${log}`);
    expect(ours * 30).toBeLessThan(log);
  });

  test('a counter goes when its client has its whole limit back', async () => {
    const { url, keyPrefix } = await testRedis();
    const redis = await connected(url);
    await redisLimiter({ redis, keyPrefix }).take([charge('a')]);
    const ttl = await redis.pttl(`${keyPrefix}a`);
    expect(ttl).toBeGreaterThan(3_600_000);
    expect(ttl).toBeLessThanOrEqual(3_660_000);
  });

  test('a counter outlives what it counts, of a client who never pauses', async () => {
    const { url, keyPrefix } = await testRedis();
    const redis = await connected(url);
    const limiter = redisLimiter({ redis, keyPrefix });
    const quota: Quota = { kind: 'token-bucket', limit: 1_000, windowMs: 100 };
    for (let i = 0; i < 1_000; i++) {
      await limiter.take([{ key: 'b', quota, cost: 1 + (i % 7) }]);
      const [full, expires] = await Promise.all([
        redis.get(`${keyPrefix}b`),
        redis.pexpiretime(`${keyPrefix}b`),
      ]);
      // Gone between two commands: then the client has its whole limit back.
      if (full !== null && expires > 0) expect(expires).toBeGreaterThanOrEqual(Number(full) / 1000);
    }
  });

  test('takes a charge once when the reply to it is lost', async () => {
    const { url, keyPrefix } = await testRedis();
    const { hostname, port, pathname } = new URL(url);
    let isDeaf = false;
    const sockets = new Set<Socket>();
    const proxy = createServer((socket) => {
      const upstream = connect(Number(port), hostname);
      for (const end of [socket, upstream]) sockets.add(end.on('error', () => undefined));
      socket.on('data', (bytes) => upstream.write(bytes));
      upstream.on('data', (bytes) => (isDeaf ? socket.destroy() : socket.write(bytes)));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    const through = typeof address === 'object' ? address?.port : undefined;
    try {
      const redis = await connected(`redis://127.0.0.1:${through}${pathname}`);
      const limiter = redisLimiter({ redis, keyPrefix });
      await limiter.take([charge('a')]);
      isDeaf = true;
      await expect(limiter.take([charge('a')])).rejects.toThrow();
      isDeaf = false;
      const direct = redisLimiter({ redis: await connected(url), keyPrefix });
      const { standings } = await direct.take([charge('a')]);
      expect(standings[0]?.remaining).toBe(97);
      redis.disconnect();
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });
});

describe.skipIf(isMissing('redis'))('a limiter whose Redis is lost', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  let limiter: ReturnType<typeof insuredLimiter>;
  let control: Redis;
  beforeAll(async () => {
    server = await startRedis();
    const redis = await connected(server.url, 50);
    control = new Redis(server.url, { lazyConnect: true });
    limiter = insuredLimiter(redisLimiter({ redis }), { replicas: 1 });
    await limiter.take([charge('warm')]);
  });
  afterAll(async () => {
    control?.disconnect();
    for (const redis of connections) redis.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  /** Nobody gets an error, and one process alone admits no more than the limit. */
  async function expectLimited(key: string): Promise<void> {
    expect(await admitted(limiter, key, 130)).toBe(100);
    expect(limiter.isShared()).toBe(false);
  }

  const backToShared = () =>
    expect
      .poll(async () => (await limiter.take([charge('back')])).isLocal ?? false, {
        timeout: 30_000,
      })
      .toBe(false);

  test('still limits while it hangs, and goes back to it', async () => {
    process.kill(server.pid, 'SIGSTOP');
    try {
      await expectLimited('hung');
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await backToShared();
  });

  test('goes on after everything in it was deleted', async () => {
    const patient = redisLimiter({ redis: await connected(server.url) });
    expect(await admitted(patient, 'flushed', 130)).toBe(100);
    await control.flushall();
    expect(await admitted(patient, 'flushed', 130)).toBe(100);
  });

  test('still limits while it is dead, and goes back to it', async () => {
    await server.kill();
    await expectLimited('dead');
    await server.restart();
    await backToShared();
  });
});
