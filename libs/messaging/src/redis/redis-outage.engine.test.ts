import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '@ordermesh/engines';
import { eventually, isMissing } from '@ordermesh/testing';
import { describe, expect, it } from 'vitest';
import { acknowledges, expectEverything, startLoad } from '../../fixtures/load.ts';
import { redisFixture } from '../../fixtures/redis-fixture.ts';
import { recorder } from '../testing/index.ts';

const patiently = { withinMs: 60_000 };

// A server for each test.
describe.skipIf(isMissing('redis'))(
  'a Redis that fails under load loses nothing and keeps the order',
  () => {
    it.each([
      ['empty', undefined],
      ['with its data', mkdtempSync(join(tmpdir(), 'ordermesh-redis-bus-'))],
    ])('when it is killed and comes back %s', async (_, dataDir) => {
      try {
        await using server = await startRedis(dataDir === undefined ? {} : { dataDir });
        await using redis = await redisFixture(server.url);
        const seen = recorder();
        await using _consumer = await redis
          .bus()
          .consume({ group: 'g', handler: seen.handler('a') });
        const load = startLoad(redis);
        try {
          for (let round = 0; round < 3; round++) {
            await acknowledges(load, 400);
            const failures = load.failures();
            await server.kill();
            await eventually(() => load.failures() > failures + 2, patiently);
            await server.restart();
          }
          await acknowledges(load, 400);
        } finally {
          await load.stop();
        }
        await expectEverything(seen, load, redis);
      } finally {
        if (dataDir !== undefined) rmSync(dataDir, { recursive: true });
      }
    });

    it('when it is frozen until its clients have given up, and wakes with what they had sent', async () => {
      await using server = await startRedis();
      await using redis = await redisFixture(server.url);
      const seen = recorder();
      await using _consumer = await redis.bus().consume({ group: 'g', handler: seen.handler('a') });
      const load = startLoad(redis);
      try {
        await acknowledges(load, 400);
        const failures = load.failures();
        process.kill(server.pid, 'SIGSTOP');
        try {
          await eventually(() => load.failures() > failures, patiently);
        } finally {
          process.kill(server.pid, 'SIGCONT');
        }
        await acknowledges(load, 400);
      } finally {
        await load.stop();
      }
      await expectEverything(seen, load, redis);
    });

    it('when all its data is deleted again and again', async () => {
      await using server = await startRedis();
      await using redis = await redisFixture(server.url);
      const seen = recorder();
      await using _consumer = await redis.bus().consume({ group: 'g', handler: seen.handler('a') });
      const load = startLoad(redis);
      try {
        for (let round = 0; round < 5; round++) {
          await acknowledges(load, 400);
          await redis.plain.flushall();
        }
        await acknowledges(load, 400);
      } finally {
        await load.stop();
      }
      await expectEverything(seen, load, redis);
    });

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
