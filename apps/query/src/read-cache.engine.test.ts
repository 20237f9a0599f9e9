// Lookups in front of a database that is taken away and a Redis of their own that is broken in every way.
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Redis as RedisServer, startRedis } from '@ordermesh/engines';
import {
  redisViewCache,
  type StoredOrder,
  type ViewCache,
  viewOrigin,
} from '@ordermesh/read-model';
import { storedStates } from '@ordermesh/read-model/testing';
import { metricsText } from '@ordermesh/telemetry';
import { databaseOutage, eventually, isMissing, type TestDatabase } from '@ordermesh/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  afterWrites,
  batchOf,
  refusal,
  rpc,
  type ServedQuery,
  serveQuery,
  viewDatabase,
} from '../test/serve-query.ts';
import { elasticsearchStore } from './elasticsearch-store.ts';
import { readCache } from './read-cache.ts';
import { guardedElasticsearch, redisPolicy } from './store-policies.ts';

const never = new AbortController().signal;
const onError = () => undefined; // the tests cut connections
/** For Redis: what a busy machine may need, so that a lookup that should be answered by it is. */
const waitMs = 250;

describe.skipIf(isMissing('redis'))('lookups with a cache', () => {
  const opened = new AsyncDisposableStack();
  let database: TestDatabase;
  let server: RedisServer;
  let plain: Redis;
  let cache: ViewCache;
  /** How often Redis was asked for a view. */
  let asked = 0;
  let query: ServedQuery;
  beforeAll(async () => {
    [database, server] = await Promise.all([viewDatabase(), startRedis()]);
    opened.use(database);
    opened.use(server);
    const { url } = server;
    plain = new Redis(url);
    plain.on('error', onError);
    opened.defer(() => plain.disconnect());
    const origin = await viewOrigin(database.url, 'test');
    cache = redisViewCache({ url, origin, name: 'test', onError });
    const counted: ViewCache = {
      ...cache,
      get(...args) {
        asked++;
        return cache.get(...args);
      },
    };
    const elasticsearch = opened.use(
      elasticsearchStore(guardedElasticsearch('http://127.0.0.1:1'), database.url, onError),
    );
    const reads = opened.use(readCache(counted, 60_000, redisPolicy(waitMs)));
    query = opened.use(await serveQuery(database.url, 500, elasticsearch, reads));
  });
  afterAll(() => opened.disposeAsync());

  let created: StoredOrder;
  let confirmed: StoredOrder;
  let orderId: string;
  let position = 0n;
  beforeEach(async () => {
    orderId = randomUUID();
    const later = ['OrderConfirmed'] as const;
    const states = storedStates({ orderId, later, firstPosition: position + 1n });
    [created, confirmed] = states as [StoredOrder, StoredOrder];
    position += 2n;
    await eventually(() => cache.get(orderId, undefined, never)); // the connection is back
    await untilUsed();
  });

  const get = (request: { minVersion?: number } = {}, options = {}) =>
    query.call(rpc.getOrder, { orderId, ...request }, options);
  const key = () => `order:read:${orderId}`;
  const held = async () => (await cache.get(orderId, undefined, never))?.stored;
  const filled = (stored: StoredOrder) =>
    eventually(async () => expect(await held()).toEqual(stored));
  /** Makes the entry too old to be answered without a look at the store. */
  const expire = () => plain.hincrby(key(), 'written', -61_000);
  const flags = ({ headers }: { headers: ReadonlyMap<string, string> }) => ({
    stale: headers.get('x-ordermesh-stale'),
    degraded: headers.get('x-ordermesh-degraded'),
  });
  const none = { stale: undefined, degraded: undefined };
  /** Resolves when the circuit is closed: a lookup is answered by the cache. */
  async function untilUsed() {
    const [stored] = storedStates({ orderId: randomUUID() }) as [StoredOrder];
    const before = await count(lookups('hit'));
    await eventually(async () => {
      await cache.put([stored], never);
      await query.call(rpc.getOrder, { orderId: stored.order.orderId }).catch(() => undefined);
      return (await count(lookups('hit'))) > before;
    });
  }
  const lookups = (result: string) => `cache_requests_total{result="${result}"}`;
  const writes = (outcome: string) =>
    `ordermesh_read_cache_writes_total{ordermesh_outcome="${outcome}"}`;
  async function count(series: string): Promise<number> {
    const line = (await metricsText()).split('\n').find((one) => one.startsWith(series));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  describe('while all is well', () => {
    it('reads the store on a miss, fills the cache, and answers from it afterwards, with the same etag', async () => {
      await query.views.write(batchOf(created));
      const before = await Promise.all([count(lookups('miss')), count(lookups('hit'))]);
      const missed = await get();
      await filled(created);
      await query.views.write(batchOf(confirmed)); // nobody writes through here
      const hit = await get();
      expect([hit.message, hit.headers.get('etag')]).toEqual([missed.message, '"1.0"']);
      expect(flags(hit)).toEqual(none);
      const after = await Promise.all([count(lookups('miss')), count(lookups('hit'))]);
      expect(after.map((now, i) => now - (before[i] ?? 0))).toEqual([1, 1]);
    });

    it('looks at the store again when the entry is no longer fresh', async () => {
      await cache.put([created], never);
      await expire();
      await query.views.write(batchOf(confirmed));
      expect((await get()).message.order?.version).toBe(2);
      await filled(confirmed);
    });

    it('never remembers that there is no order', async () => {
      expect((await refusal(get())).reason).toBe('ORDER_NOT_FOUND');
      expect(await plain.exists(key())).toBe(0);
      await query.views.write(batchOf(created));
      expect((await get()).message.order).toEqual(created.order);
    });

    it.each<[string, () => [{ minVersion?: number }, object]]>([
      ['version', () => [{ minVersion: 2 }, {}]],
      ['token', () => [{}, afterWrites([confirmed.partition, confirmed.order.position])]],
    ])(
      'does not answer a later %s from an older entry, but as soon as the store has it',
      async (_what, later) => {
        const [request, options] = later();
        await query.views.write(batchOf(created));
        await cache.put([created], never);
        expect((await refusal(get(request, options))).reason).toBe('EVENTUAL_CONSISTENCY_TIMEOUT');
        await query.views.write(batchOf(confirmed));
        expect((await get(request, options)).message.order).toEqual(confirmed.order);
        await filled(confirmed);
        await expect(get(request, options)).resolves.toMatchObject({
          message: { order: confirmed.order },
        });
      },
    );

    it('takes an entry that cannot be read for none, and replaces it', async () => {
      await query.views.write(batchOf(created));
      await cache.put([confirmed], never);
      await plain.hset(key(), 'order', 'no message', 'revision', '9007199254740000');
      expect((await get()).message.order).toEqual(created.order);
      await filled(created);
    });

    it('keeps a newer entry when an older view was read meanwhile, and counts that', async () => {
      await query.views.write(batchOf(created));
      await cache.put([confirmed], never);
      await expire();
      const before = await count(writes('refused'));
      expect((await get()).message.order).toEqual(created.order);
      await eventually(async () => (await count(writes('refused'))) > before);
      expect(await held()).toEqual(confirmed);
    });

    it('answers an expired entry, flagged with its age, when the store is behind what the caller asks for', async () => {
      await query.views.write(batchOf(created));
      await cache.put([confirmed], never);
      await expire();
      const answer = await get({ minVersion: 2 });
      expect(answer.message.order).toEqual(confirmed.order);
      expect(flags(answer).stale).toMatch(/^6\d{4}$/);
    });

    it('asks Redis once for all who ask for one order at the same time', async () => {
      await cache.put([created], never);
      process.kill(server.pid, 'SIGSTOP');
      const before = asked;
      const calls = Array.from({ length: 30 }, () => get().catch((error: unknown) => error));
      await refusal(query.call(rpc.getOrder, { orderId: 'x' })); // received after all of them
      process.kill(server.pid, 'SIGCONT');
      await Promise.all(calls);
      expect(asked - before).toBe(1);
    });
  });

  describe('while no store answers', () => {
    async function withoutStores<T>(work: () => Promise<T>): Promise<T> {
      const outage = databaseOutage(database);
      await outage.begin();
      try {
        return await work();
      } finally {
        await outage.end();
      }
    }

    it('answers a fresh entry as ever', async () => {
      await cache.put([created], never);
      const answer = await withoutStores(() => get());
      expect([answer.message.order, flags(answer)]).toEqual([created.order, none]);
    });

    it('answers an expired entry, flagged with its age, and no other', async () => {
      await cache.put([created], never);
      await expire();
      const before = await count(lookups('stale'));
      const answer = await withoutStores(() => get());
      expect(answer.message.order).toEqual(created.order);
      expect(flags(answer)).toEqual({
        stale: expect.stringMatching(/^6\d{4}$/),
        degraded: undefined,
      });
      expect(await count(lookups('stale'))).toBe(before + 1);
      await plain.del(key());
      const refused = await withoutStores(() => refusal(get()));
      expect(refused.reason).toBe('DEPENDENCY_UNAVAILABLE');
    });

    it('never answers an entry that is older than what the caller asks for', async () => {
      await cache.put([created], never);
      await expire();
      await withoutStores(async () => {
        const token = ({ partition, order }: StoredOrder) =>
          afterWrites([partition, order.position]);
        expect(flags(await get({ minVersion: 1 }, token(created))).stale).toBeDefined();
        for (const refused of [
          await refusal(get({ minVersion: 2 })),
          await refusal(get({}, token(confirmed))),
        ])
          expect(refused.reason).toBe('DEPENDENCY_UNAVAILABLE');
      });
    });
  });

  describe('while Redis', () => {
    const outages: [string, () => Promise<() => Promise<unknown>>][] = [
      [
        'is dead',
        async () => {
          await server.kill();
          return () => server.restart();
        },
      ],
      [
        'hangs',
        async () => {
          process.kill(server.pid, 'SIGSTOP');
          return async () => process.kill(server.pid, 'SIGCONT');
        },
      ],
      [
        'takes longer than a lookup waits',
        async () => {
          await plain.client('PAUSE', 600_000, 'ALL');
          // Whatever would end the pause is paused, too.
          return () => server.restart();
        },
      ],
      [
        'wants a password that nobody gave',
        async () => {
          await plain.config('SET', 'requirepass', 'secret');
          await plain.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
          return () => plain.config('SET', 'requirepass', '');
        },
      ],
    ];

    it.each(outages)(
      '%s, every answer is right, and it is asked no more than once a second',
      async (what, begin) => {
        await query.views.write(batchOf(created));
        await get();
        await filled(created);
        await query.views.write(batchOf(confirmed));
        const well = await timed(200);
        const end = await begin();
        const before = asked;
        const started = performance.now();
        const bypassed = await count(lookups('bypass'));
        try {
          const ill = await timed(200, async () => {
            const { message, headers } = await get({ minVersion: 2 });
            expect([message.order, flags({ headers })]).toEqual([confirmed.order, none]);
          });
          const seconds = Math.ceil((performance.now() - started) / 1_000);
          expect(asked - before).toBeLessThanOrEqual(3 + seconds);
          expect(await count(lookups('bypass'))).toBe(bypassed + 200);
          console.log(`Redis ${what}: lookups ${ill}; before ${well}`);
        } finally {
          await end();
        }
      },
    );

    it.each<[string, () => Promise<() => Promise<unknown>>]>([
      [
        'is a replica that takes no writes',
        async () => {
          await plain.replicaof('127.0.0.1', '1');
          return () => plain.replicaof('NO', 'ONE');
        },
      ],
      [
        'refuses writes for want of memory',
        async () => {
          await plain.config('SET', 'maxmemory', '1');
          return () => plain.config('SET', 'maxmemory', '0');
        },
      ],
      [
        'refuses writes because it cannot save (MISCONF)',
        async () => {
          const [, folder] = (await plain.config('GET', 'dir')) as [string, string];
          mkdirSync(join(folder, 'dump.rdb')); // in the way of the file
          await plain.config('SET', 'save', '3600 1');
          await plain.bgsave();
          await eventually(async () =>
            (await plain.info('persistence')).includes('rdb_last_bgsave_status:err'),
          );
          return () => plain.config('SET', 'save', '');
        },
      ],
    ])('%s, entries are still read, fills are dropped and counted', async (_what, begin) => {
      await query.views.write(batchOf(created));
      await get();
      await filled(created);
      const end = await begin();
      try {
        const [hits, failed] = [await count(lookups('hit')), await count(writes('failed'))];
        expect((await get()).message.order).toEqual(created.order);
        expect(await count(lookups('hit'))).toBe(hits + 1);
        await query.views.write(batchOf(confirmed));
        expect((await get({ minVersion: 2 })).message.order).toEqual(confirmed.order);
        await eventually(async () => (await count(writes('failed'))) > failed);
      } finally {
        await end();
      }
    });

    it('forgets everything, the next lookups fill it again', async () => {
      await query.views.write(batchOf(created));
      await get();
      await filled(created);
      await plain.flushall();
      await plain.script('FLUSH');
      expect((await get()).message.order).toEqual(created.order);
      await filled(created);
    });

    /** Runs lookups one after the other and says how long they took. */
    async function timed(lookups: number, lookup: () => Promise<unknown> = () => get()) {
      const times: number[] = [];
      for (let i = 0; i < lookups; i++) {
        const started = performance.now();
        await lookup();
        times.push(performance.now() - started);
      }
      times.sort((a, b) => a - b);
      const at = (share: number) => times[Math.ceil(share * lookups) - 1]?.toFixed(1);
      return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`;
    }
  });
});
