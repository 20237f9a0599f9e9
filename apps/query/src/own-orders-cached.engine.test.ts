import { randomUUID } from 'node:crypto';
import {
  redisViewCache,
  type StoredOrder,
  type ViewCache,
  viewOrigin,
} from '@ordermesh/read-model';
import { storedStates } from '@ordermesh/read-model/testing';
import {
  callingAs,
  databaseOutage,
  eventually,
  isMissing,
  type TestDatabase,
  testRedis,
} from '@ordermesh/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { batchOf, refusal, rpc, serveQuery, viewDatabase } from '../test/serve-query.ts';
import { readCache } from './read-cache.ts';
import { redisPolicy } from './store-policies.ts';

const never = new AbortController().signal;
const onError = () => undefined; // the tests cut connections

describe.skipIf(isMissing('redis'))('a cached order', () => {
  const opened = new AsyncDisposableStack();
  let database: TestDatabase;
  let cache: ViewCache;
  /** What a look at Redis waits for before it begins. */
  let gate: Promise<void>;
  let looks = 0;
  beforeAll(async () => {
    database = opened.use(await viewDatabase());
    const { url } = await testRedis();
    const origin = await viewOrigin(database.url, 'test');
    cache = opened.use(redisViewCache({ url, origin, name: 'test', onError }));
    await eventually(() => cache.get('x', undefined, never));
  });
  afterAll(() => opened.disposeAsync());

  /** The query service with entries that are fresh for so long. */
  async function serve(freshMs: number) {
    await using all = new AsyncDisposableStack();
    const gated: ViewCache = {
      ...cache,
      async get(...args) {
        looks++;
        await gate;
        return cache.get(...args);
      },
      [Symbol.asyncDispose]: async () => undefined, // the file's
    };
    const reads = all.use(readCache(gated, freshMs, redisPolicy(20_000)));
    const query = all.use(await serveQuery(database.url, 300, undefined, reads));
    const closing = all.move();
    return {
      get: (orderId: string, ...who: Parameters<typeof callingAs> | []) => {
        const [subject, ...scopes] = who;
        const metadata = subject === undefined ? {} : callingAs(subject, ...scopes);
        return query.call(rpc.getOrder, { orderId }, { metadata });
      },
      write: (stored: StoredOrder) => query.views.write(batchOf(stored)),
      [Symbol.asyncDispose]: () => closing.disposeAsync(),
    };
  }

  let created: StoredOrder;
  let confirmed: StoredOrder;
  let orderId: string;
  let owner: string;
  let position = 0n;
  beforeEach(async () => {
    const spec = { later: ['OrderConfirmed'] as const, firstPosition: position + 1n };
    [created, confirmed] = storedStates(spec) as [StoredOrder, StoredOrder];
    position += 2n;
    ({ orderId, customerId: owner } = created.order);
    gate = Promise.resolve();
    await cache.put([created], never);
  });

  it('is answered to its owner and to staff, and is absent to another customer', async () => {
    await using query = await serve(3_600_000);
    await query.write(confirmed); // tells which of the two answered
    for (const who of [[owner], ['ann', 'orders:fulfil'], []] as [string][])
      expect((await query.get(orderId, ...who)).message.order).toEqual(created.order);
    for (const subject of [randomUUID(), 'ann']) {
      const { reason, metadata } = await refusal(query.get(orderId, subject));
      expect([reason, metadata]).toEqual(['ORDER_NOT_FOUND', {}]);
    }
    expect((await query.get(orderId, owner)).message.order).toEqual(created.order);
  });

  it('is looked for once for each owner, however many ask at the same time', async () => {
    await using query = await serve(3_600_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const before = looks;
    const own = Array.from({ length: 5 }, () => query.get(orderId, owner));
    const other = randomUUID();
    const foreign = Array.from({ length: 5 }, () => refusal(query.get(orderId, other)));
    await refusal(query.get('x')); // received after all of them
    expect(looks - before).toBe(2);
    resolve();
    for (const { message } of await Promise.all(own)) expect(message.order).toEqual(created.order);
    for (const { reason } of await Promise.all(foreign)) expect(reason).toBe('ORDER_NOT_FOUND');
  });

  it('stands in for stores that do not answer only before its owner', async () => {
    await using query = await serve(0);
    const outage = databaseOutage(database);
    await outage.begin();
    try {
      const { message, headers } = await query.get(orderId, owner);
      expect(message.order).toEqual(created.order);
      expect(headers.get('x-ordermesh-stale')).toBeDefined();
      const other = randomUUID();
      const foreign = await refusal(query.get(orderId, other));
      expect(foreign.reason).toBe('DEPENDENCY_UNAVAILABLE');
      expect(foreign).toEqual(await refusal(query.get(randomUUID(), other)));
    } finally {
      await outage.end();
    }
  });
});
