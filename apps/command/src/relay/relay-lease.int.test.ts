import { createPool } from '@ordermesh/postgres';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import type pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { logDatabase } from '../../test/serve-command.ts';
import { acquireLease, DeposedError, type RelayLease } from './relay-lease.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeEach(async () => {
  database = await logDatabase();
  pool = createPool({ url: database.url, max: 4, name: 'test', onError: () => undefined });
});
afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

const acquire = (leaseMs = 600_000) => acquireLease(pool, 'test', 3, leaseMs);
const taken = async (leaseMs?: number): Promise<RelayLease> => {
  const lease = await acquire(leaseMs);
  if (lease === undefined) throw new Error('somebody else has the lease');
  return lease;
};
const at = (position: bigint) => ({ position, partitionPositions: [position, 0n, 0n] });

it('gives the lead to one of many that ask at once, from the beginning', async () => {
  const leases = await Promise.all(Array.from({ length: 4 }, () => acquire()));
  const [lease, ...others] = leases.filter((one) => one !== undefined);
  expect(others).toEqual([]);
  expect(lease?.checkpoint).toEqual({ position: 0n, partitionPositions: [0n, 0n, 0n] });
});

it('gives the next owner what the last one reached, at once when it was released', async () => {
  const first = await taken();
  await first.advance(at(7n));
  expect(await acquire()).toBeUndefined();
  await first.release();
  expect((await taken()).checkpoint).toEqual(at(7n));
});

it('lets an owner whose lease ran out change nothing any more', async () => {
  const zombie = await taken(50);
  const successor = await eventually(async () => (await acquire()) ?? false);
  await successor.advance(at(9n));
  expect(() => zombie.requireValid()).toThrow(DeposedError);
  await expect(zombie.advance(at(5n))).rejects.toThrow(DeposedError);
  await expect(zombie.renew()).rejects.toThrow(DeposedError);
  await zombie.release();
  expect(await acquire()).toBeUndefined(); // the successor's lease is untouched
  await successor.release();
  expect((await taken()).checkpoint).toEqual(at(9n));
});

it('keeps the lead while it is renewed', async () => {
  const lease = await taken(1000);
  await lease.renew();
  const until = performance.now() + 1500;
  await eventually(async () => {
    await lease.renew();
    expect(await acquire()).toBeUndefined();
    return performance.now() > until;
  });
  lease.requireValid();
});

it('keeps a checkpoint for each bus', async () => {
  await (await taken()).advance(at(3n));
  const other = await acquireLease(pool, 'other', 3, 1000);
  expect(other?.checkpoint.position).toBe(0n);
});
