import { type Redis as RedisServer, startRedis } from '@ordermesh/engines';
import { leaseMigrations, redisBus } from '@ordermesh/messaging';
import { recorder } from '@ordermesh/messaging/testing';
import { migrate } from '@ordermesh/postgres';
import { eventually, isMissing, type TestDatabase, testDatabase } from '@ordermesh/testing';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendEvents } from '../../test/append-events.ts';
import { patiently, type RelayedLog, relayedLog } from '../../test/relayed-log.ts';
import { partitions } from '../../test/serve-command.ts';

// A server for each test: the processes under test use the streams' own names.
describe.skipIf(isMissing('redis'))('command processes that relay to Redis', () => {
  let server: RedisServer;
  let log: RelayedLog;
  let view: TestDatabase;
  let plain: Redis;
  beforeEach(async () => {
    server = await startRedis();
    log = await relayedLog({ BUS: 'redis', REDIS_URL: server.url });
    view = await testDatabase({
      name: 'relay_redis_view',
      async prepare(url) {
        const database = new URL(url).pathname.slice(1);
        await migrate({ url, database, ...leaseMigrations }, AbortSignal.timeout(30_000));
      },
    });
    plain = new Redis(server.url);
    plain.on('error', () => undefined); // the server is killed under it
  });
  afterEach(async () => {
    plain.disconnect();
    await view[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const relayed = (position: number) =>
    eventually(async () => (await log.relay()).position >= position, patiently);
  const bus = () => redisBus({ url: server.url, viewUrl: view.url, partitions });
  const held = async () => {
    const lengths = Array.from({ length: partitions }, (_, n) =>
      plain.xlen(`ordermesh.order.events.v1:${n}`),
    );
    return (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);
  };

  /** Entries that the streams ever got. */
  const added = async () => {
    const all = Array.from({ length: partitions }, async (_, n) => {
      const info = (await plain.xinfo('STREAM', `ordermesh.order.events.v1:${n}`)) as unknown[];
      return Number(info[info.indexOf('entries-added') + 1]);
    });
    return (await Promise.all(all)).reduce((sum, count) => sum + count, 0);
  };

  it('lose nothing and keep the order when the leader is killed, and when it is frozen and wakes', async () => {
    await using killed = log.start();
    await killed.logged('relay leads');
    await using zombie = log.start();
    await zombie.logged('ready');
    const seen = recorder();
    await using _consumer = await bus().consume({ group: 'g', handler: seen.handler('a') });
    await using appending = log.load();
    await relayed(50);
    killed.signal('SIGKILL');
    await zombie.logged('relay leads');
    await relayed((await log.relay()).position + 50);
    zombie.signal('SIGSTOP');
    await using third = log.start();
    await third.logged('relay leads');
    await relayed((await log.relay()).position + 50);
    zombie.signal('SIGCONT');
    await relayed((await log.relay()).position + 50);
    const total = await appending.stop();
    await log.expectWholeLog(seen, total);
    // Nothing twice: Redis itself refused what the deposed ones repeated. Counted with what was trimmed meanwhile.
    expect(await added()).toBe(total);
    for (const one of [zombie, third]) {
      one.signal('SIGTERM');
      expect(await one.ended).toEqual({ code: 0, stderr: '' });
    }
  }, 120_000);

  it('fill a Redis again that lost everything, under load and with nothing new', async () => {
    await using command = log.start();
    await command.logged('relay leads');
    const seen = recorder();
    await using appending = log.load();
    await relayed(50);
    await plain.flushall();
    await relayed((await log.relay()).position + 50);
    const total = await appending.stop();
    await relayed(total);
    // The connection holds, nothing is appended, and nobody has read any of it yet.
    await plain.flushall();
    await eventually(async () => (await held()) === total, patiently);
    // The connection breaks, and the server comes back empty.
    await server.kill();
    await server.restart();
    await eventually(async () => (await held()) === total, patiently);
    await using _consumer = await bus().consume({ group: 'g', handler: seen.handler('a') });
    await log.expectWholeLog(seen, total);
  }, 120_000);

  it('serve commands while Redis is away, and relay when it comes', async () => {
    await server.kill();
    await using command = log.start();
    await command.logged('ready');
    await appendEvents(log.store, 10);
    await command.logged('Redis is away');
    await server.restart();
    await relayed(10);
    expect(await held()).toBe(10);
    command.signal('SIGTERM');
    expect(await command.ended).toEqual({ code: 0, stderr: '' });
  }, 120_000);

  it('end with one line and code 1 when the streams have another number of partitions', async () => {
    await plain.set('ordermesh.order.events.v1:partitions', 3);
    await using command = log.start();
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^.*PARTITIONS is 12, but ordermesh.order.events.v1 in Redis has 3 .*\n$/,
    );
  });
});
