import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Redis, type RedisOptions, startRedis } from '@ordermesh/engines';
import { eventually, isMissing } from '@ordermesh/testing';
import { describe, expect, it } from 'vitest';
import { acknowledges, expectEverything, type Load, startLoad } from '../../fixtures/load.ts';
import { type RedisFixture, redisFixture } from '../../fixtures/redis-fixture.ts';
import { recorder } from '../testing/index.ts';

const patiently = { withinMs: 60_000 };
/** How often a fault is repeated. */
const rounds = process.env.SOAK ? 20 : 2;

/** Does something to a server of its own under load, and expects that everything acknowledged arrives, in order. */
async function underLoad(
  options: RedisOptions,
  work: (load: Load, server: Redis, redis: RedisFixture) => Promise<void>,
): Promise<void> {
  await using server = await startRedis(options);
  await using redis = await redisFixture(server.url);
  const seen = recorder();
  await using _consumer = await redis.bus().consume({ group: 'g', handler: seen.handler('a') });
  const load = startLoad(redis);
  try {
    await acknowledges(load, 400);
    await work(load, server, redis);
    await acknowledges(load, 400);
  } finally {
    await load.stop();
  }
  await expectEverything(seen, load, redis);
}

async function killedAgain(load: Load, server: Redis): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const failures = load.failures();
    await server.kill();
    await eventually(() => load.failures() > failures + 2, patiently);
    await server.restart();
    await acknowledges(load, 400);
  }
}

describe.skipIf(isMissing('redis'))(
  'a Redis that fails under load loses nothing and keeps the order',
  () => {
    it('when it is killed and comes back empty', () => underLoad({}, killedAgain));

    it('when it is killed and comes back with its data', async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'ordermesh-redis-bus-'));
      try {
        await underLoad({ dataDir }, killedAgain);
      } finally {
        rmSync(dataDir, { recursive: true });
      }
    });

    it('when it is frozen until its clients have given up, and wakes with what they had sent', () =>
      underLoad({}, async (load, server) => {
        const failures = load.failures();
        process.kill(server.pid, 'SIGSTOP');
        try {
          await eventually(() => load.failures() > failures, patiently);
        } finally {
          process.kill(server.pid, 'SIGCONT');
        }
      }));

    it('when all its data is deleted again and again', () =>
      underLoad({}, async (load, _, redis) => {
        for (let round = 0; round < rounds; round++) {
          await redis.plain.flushall();
          await acknowledges(load, 400);
        }
      }));

    it('when it loses what a group still lacked, and nothing new is published', async () => {
      await using server = await startRedis();
      await using redis = await redisFixture(server.url);
      const rows = [...redis.rows.oneEach(), ...redis.rows.oneEach()];
      const down = recorder();
      {
        const handler = down.handler('a', {
          batch: () => Promise.reject(new Error('the store is down')),
        });
        await using _consumer = await redis.bus().consume({ group: 'g', handler });
        await redis.publish(rows);
        await eventually(() => down.attempts().length > 0);
      }
      await server.restart(); // empty
      const seen = recorder();
      await using _consumer = await redis.bus().consume({ group: 'g', handler: seen.handler('b') });
      await redis.restore();
      await eventually(() => seen.seen().size === rows.length);
      expect(seen.violations()).toEqual([]);
    });
  },
);
