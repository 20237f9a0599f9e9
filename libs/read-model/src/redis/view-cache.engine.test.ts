import { randomUUID } from 'node:crypto';
import { eventually, isMissing, testRedis } from '@ordermesh/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredOrder } from '../stored-order.ts';
import { record, storedStates } from '../testing/stored-orders.ts';
import { never } from '../testing/view-store.ts';
import type { ViewCache } from '../view-cache.ts';
import { withCustomer } from '../with-customer.ts';
import { entryKey } from './entry.ts';
import { redisViewCache } from './view-cache.ts';

describe.skipIf(isMissing('redis'))('redisViewCache()', () => {
  const opened = new AsyncDisposableStack();
  let plain: Redis;
  let cache: ViewCache;
  /** Of other views on the same Redis. */
  let others: ViewCache;
  beforeAll(async () => {
    const { url } = await testRedis();
    plain = new Redis(url);
    opened.defer(() => plain.disconnect());
    const open = (origin: string) =>
      opened.use(redisViewCache({ url, origin, name: 'test', onError: () => undefined }));
    [cache, others] = [open(`one:${randomUUID()}`), open(`two:${randomUUID()}`)];
    await eventually(() =>
      Promise.all([cache.get('x', undefined, never), others.get('x', undefined, never)]),
    );
  });
  afterAll(() => opened.disposeAsync());

  /** Versions 1 to 3 of a new order, and version 2 with its customer. */
  function newStates() {
    const orderId = randomUUID();
    const later = ['OrderConfirmed', 'OrderPaid'] as const;
    const [first, second, third] = storedStates({ orderId, later }) as StoredOrder[];
    if (!first || !second || !third) throw new Error('too few states');
    return { orderId, first, second, third, named: withCustomer(second, record(second, 5)) };
  }
  const held = async (orderId: string, of = cache) =>
    (await of.get(orderId, undefined, never))?.stored;
  const put = (stored: StoredOrder, into = cache) => into.put([stored], never);

  it('gives a view back as it was put, and nothing for an order that it does not have', async () => {
    const { orderId, first, named } = newStates();
    expect(await held(orderId)).toBeUndefined();
    for (const stored of [first, named, { ...named, partition: 11, traceparent: undefined }]) {
      expect(await put(stored)).toBe(0);
      expect(await held(orderId)).toEqual(stored);
    }
  });

  it('refuses an older view after a newer one, by version and within it by customer', async () => {
    const { orderId, first, second, third, named } = newStates();
    expect([await put(second), await put(first)]).toEqual([0, 1]);
    expect([await put(named), await put(second)]).toEqual([0, 1]);
    expect(await held(orderId)).toEqual(named);
    expect([await put(third), await put(named)]).toEqual([0, 1]);
    expect(await held(orderId)).toEqual(third);
  });

  it('keeps the newest of what is put at once, in whatever order it arrives', async () => {
    const { orderId, first, second, third, named } = newStates();
    const shuffled = [second, third, first, named, second];
    await Promise.all([...shuffled.map((stored) => put(stored)), cache.put(shuffled, never)]);
    expect(await held(orderId)).toEqual(third);
  });

  it('counts the age from the last write, by the clock of the server, also of the same revision', async () => {
    const { orderId, first, second } = newStates();
    await put(second);
    const key = entryKey(orderId);
    await plain.hincrby(key, 'written', -5_000);
    const age = async () => (await cache.get(orderId, undefined, never))?.ageMs ?? Number.NaN;
    expect(await age()).toBeGreaterThanOrEqual(5_000);
    await put(first);
    expect(await age()).toBeGreaterThanOrEqual(5_000);
    await put(second);
    expect(await age()).toBeLessThan(5_000);
  });

  it('has Redis drop an entry an hour after it was last written', async () => {
    const { orderId, first } = newStates();
    await put(first);
    const key = entryKey(orderId);
    const ttl = await plain.pttl(key);
    expect(ttl).toBeLessThanOrEqual(3_600_000);
    expect(ttl).toBeGreaterThan(3_500_000);
    await plain.pexpire(key, 10_000);
    await put(first);
    expect(await plain.pttl(key)).toBeGreaterThan(3_500_000);
  });

  it('takes an entry of other views for none and replaces it, however new it is', async () => {
    const { orderId, first, third } = newStates();
    await put(third, others);
    expect(await held(orderId)).toBeUndefined();
    expect(await put(first)).toBe(0);
    expect([await held(orderId), await held(orderId, others)]).toEqual([first, undefined]);
  });

  it.each<[string, (key: string) => Promise<unknown>]>([
    ['of another type', async (key) => [await plain.del(key), await plain.set(key, 'x')]],
    ['without its fields', (key) => plain.hdel(key, 'order', 'partition')],
    ['with bytes that are no message', (key) => plain.hset(key, 'order', Buffer.from([255, 1]))],
    ['with a revision of its own', (key) => plain.hset(key, 'revision', '9007199254740000')],
    ['without a time', (key) => plain.hset(key, 'written', 'yesterday')],
  ])('takes an entry %s for none, and lets the next write replace it', async (_what, spoil) => {
    const { orderId, first, second } = newStates();
    await put(second);
    await spoil(entryKey(orderId));
    expect(await held(orderId)).toBeUndefined();
    expect(await put(first)).toBe(0);
    expect(await held(orderId)).toEqual(first);
  });

  it('takes the entry of another order for none', async () => {
    const [one, other] = [newStates(), newStates()];
    await put(other.third);
    await plain.copy(entryKey(other.orderId), entryKey(one.orderId));
    expect(await held(one.orderId)).toBeUndefined();
    expect(await put(one.first)).toBe(0);
    expect(await held(one.orderId)).toEqual(one.first);
  });

  it('shows an entry to its owner and to everybody, and keeps one for all of them', async () => {
    const { orderId, first } = newStates();
    await put(first);
    const shown = async (owner: string | undefined) =>
      (await cache.get(orderId, owner, never))?.stored;
    const { customerId } = first.order;
    expect(await Promise.all([customerId, undefined].map(shown))).toEqual([first, first]);
    expect(await Promise.all([randomUUID(), 'ann', ''].map(shown))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await held(orderId)).toEqual(first);
  });

  it('goes on after FLUSHALL and SCRIPT FLUSH', async () => {
    const { orderId, first, second } = newStates();
    await put(second);
    await plain.flushdb();
    await plain.script('FLUSH');
    expect(await held(orderId)).toBeUndefined();
    expect(await put(first)).toBe(0);
    expect(await held(orderId)).toEqual(first);
  });

  it('rejects with the reason of a signal that has fired', async () => {
    const reason = new Error('enough');
    const fired = AbortSignal.abort(reason);
    await expect(cache.get(randomUUID(), undefined, fired)).rejects.toBe(reason);
    const { orderId, first } = newStates();
    await expect(cache.put([first], fired)).rejects.toBe(reason);
    expect(await held(orderId)).toBeUndefined();
  });
});
