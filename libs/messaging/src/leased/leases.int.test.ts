import { randomUUID } from 'node:crypto';
import { createPool } from '@ordermesh/postgres';
import { eventually } from '@ordermesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Harness, harness } from '../../fixtures/harness.ts';
import { recorder } from '../testing/index.ts';
import { leaseStore } from './lease-store.ts';

let h: Harness;
beforeEach(async () => {
  h = await harness();
});
afterEach(() => h[Symbol.asyncDispose]());

const never = 300_000;

/** A member that only keeps leases. */
async function member(partitions = h.partitions, group = 'g') {
  const { rows } = await h.leases('SELECT current_database() AS name');
  const url = new URL(h.log.url);
  url.pathname = `/${rows[0].name}`;
  const pool = createPool({ url: url.href, max: 1, name: 'test', onError: () => undefined });
  return leaseStore({ pool, group, member: randomUUID(), partitions, leaseMs: never });
}
const expireAll = () =>
  h.leases("UPDATE ordermesh_bus.lease SET expires_at = clock_timestamp() - interval '1 ms'");
/** What another consumer does that finds an expired lease. */
const takeAway = () =>
  h.leases(
    `UPDATE ordermesh_bus.lease SET owner = gen_random_uuid(), epoch = epoch + 1, expires_at = clock_timestamp() + interval '1 hour'`,
  );

describe('leaseStore()', () => {
  it('refuses the commit and the release of an owner whose partition was taken', async () => {
    await using zombie = await member();
    await using successor = await member();
    await zombie.join();
    const { leases } = await zombie.tend([], [], false);
    const held = leases.map((lease) => ({ ...lease, position: 7n }));
    expect(await zombie.commit(held)).toEqual(new Set([0, 1, 2, 3]));
    await zombie.leave();
    await expireAll();
    const taken = await successor.tend([], [], false);
    expect(taken.leases.map((lease) => [lease.epoch, lease.position])).toEqual(
      leases.map(() => [2n, 7n]),
    );

    const late = held.map((lease) => ({ ...lease, position: 9n }));
    expect(await zombie.commit(late)).toEqual(new Set());
    for (const lease of late) expect(await zombie.release(lease)).toBe(false);
    for (const { partition } of late) {
      const { owner, epoch, position } = await h.lease(partition);
      expect([owner === null, epoch, position]).toEqual([false, 2n, 7n]);
    }
  });

  it('never moves an offset back', async () => {
    await using one = await member(1);
    await one.join();
    const [lease] = (await one.tend([], [], false)).leases;
    if (!lease) throw new Error('a free partition was not taken');
    await one.commit([{ ...lease, position: 9n }]);
    await one.commit([{ ...lease, position: 8n }]);
    expect((await h.lease(0)).position).toBe(9n);
  });

  it('computes shares that differ by one at most and add up to all partitions', async () => {
    for (const [count, wanted] of [
      [3, [3, 2, 2]],
      [5, [2, 2, 1, 1, 1]],
      [9, [1, 1, 1, 1, 1, 1, 1, 0, 0]],
    ] as const) {
      await using stack = new AsyncDisposableStack();
      const members = [];
      for (let n = 0; n < count; n++) members.push(stack.use(await member(7, `of ${count}`)));
      for (const one of members) await one.join();
      for (const one of members) await one.tend([], [], false);
      const shares = await Promise.all(
        members.map(async (one) => (await one.tend([], [], false)).share),
      );
      expect(shares.toSorted((a, b) => b - a)).toEqual(wanted);
    }
  });

  it('takes nothing while it leaves, and leaves its place to the others', async () => {
    await using one = await member();
    await using other = await member();
    await one.join();
    await one.tend([], [], false);
    await one.leave();
    const kept = await one.tend([0, 1], [0, 1], true);
    expect(kept.leases.map((lease) => lease.partition)).toEqual([0, 1]);
    expect((await other.tend([], [], false)).share).toBe(4);
  });

  it('refuses a group that was made with more partitions', async () => {
    await using many = await member(6);
    await using few = await member(4);
    await many.join();
    await expect(few.join()).rejects.toThrow(/group g was made with 6 partitions, PARTITIONS is 4/);
    await expect(h.bus().consume({ group: 'g', handler: recorder().handler('a') })).rejects.toThrow(
      /PARTITIONS/,
    );
  });
});

describe('a consumer', () => {
  it('stops its batch and commits nothing when the partition was taken', async () => {
    const seen = recorder();
    const aborted = Promise.withResolvers<void>();
    const handler = seen.handler('a', {
      async batch({ signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        aborted.resolve(); // and resolves, as if nothing had happened
      },
    });
    await h.log.append([h.rows.next(h.rows.orderIn(1))]);
    await using consumer = await h.bus().consume({ group: 'g', handler });
    await eventually(() => seen.attempts().length === 1);
    await takeAway();
    await aborted.promise;
    await eventually(() => consumer.partitions().size === 0);
    expect((await h.lease(1)).position).toBe(0n);
    expect((await h.lease(1)).epoch).toBe(2n);
  });

  it('stops its batch when it cannot renew the lease in time, and starts again when it can', async () => {
    const seen = recorder();
    let aborts = 0;
    const handler = seen.handler('a', {
      async batch({ signal }) {
        if (aborts > 0) return;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        aborts++;
        throw signal.reason;
      },
    });
    const row = h.rows.next(h.rows.orderIn(1));
    await h.log.append([row]);
    await using _consumer = await h.bus({ leaseMs: 2000 }).consume({ group: 'g', handler });
    await eventually(() => seen.attempts().length === 1);
    await h.leases('ALTER FUNCTION ordermesh_bus.tend RENAME TO away');
    await eventually(() => aborts === 1);
    await h.leases('ALTER FUNCTION ordermesh_bus.away RENAME TO tend');
    await eventually(() => seen.seen().has(row.position), { withinMs: 20_000 });
    expect(seen.violations()).toEqual([]);
  });

  it('goes on while offsets cannot be committed, and commits them when they can', async () => {
    const seen = recorder();
    const order = h.rows.orderIn(1);
    // A sequence, because it counts also what is rolled back.
    await h.leases(`
      CREATE SEQUENCE refused;
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM nextval('refused'); RAISE EXCEPTION 'the disk is full'; END $$;
      CREATE TRIGGER refuse BEFORE UPDATE OF position ON ordermesh_bus.lease FOR EACH ROW EXECUTE FUNCTION refuse()`);
    await using _consumer = await h.bus().consume({ group: 'g', handler: seen.handler('a') });
    const [first, second] = [h.rows.next(order), h.rows.next(order)];
    for (const row of [first, second]) {
      await h.log.append([row]);
      await eventually(() => seen.seen().has(row.position));
    }
    await eventually(async () => {
      const { rows } = await h.leases('SELECT last_value::integer AS refusals FROM refused');
      return rows[0].refusals >= 2;
    });
    await h.leases('DROP TRIGGER refuse ON ordermesh_bus.lease');
    await eventually(async () => (await h.lease(1)).position === second.position);
    expect(seen.messages()).toHaveLength(2);
  });

  it('fires the signal of a batch that outlasts the grace, and gives the partition back with the batch undone', async () => {
    const seen = recorder();
    const row = h.rows.next(h.rows.orderIn(1));
    await h.log.append([row]);
    const handler = seen.handler('a', {
      batch: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    });
    const first = await h.bus({ graceMs: 50, leaseMs: never }).consume({ group: 'g', handler });
    await eventually(() => seen.attempts().length === 1);
    await first[Symbol.asyncDispose]();
    expect(await h.lease(1)).toEqual({ owner: null, epoch: 1n, position: 0n });
    await using _second = await h.bus().consume({ group: 'g', handler: seen.handler('b') });
    await eventually(() => seen.seen().has(row.position));
    expect(seen.violations()).toEqual([]);
  });

  it('leaves the partition of a batch that ignores its signal to expire', async () => {
    const seen = recorder();
    await h.log.append([h.rows.next(h.rows.orderIn(1))]);
    const handler = seen.handler('a', { batch: () => new Promise(() => undefined) });
    const consumer = await h.bus({ graceMs: 50, leaseMs: never }).consume({ group: 'g', handler });
    await eventually(() => seen.attempts().length === 1);
    await consumer[Symbol.asyncDispose]();
    expect((await h.lease(1)).owner).not.toBeNull();
    expect((await h.lease(0)).owner).toBeNull();
  });
});
