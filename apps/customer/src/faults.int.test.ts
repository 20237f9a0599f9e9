import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { customerDatabase } from '../test/customer-database.ts';
import { type ServedCustomers, serveCustomers } from '../test/serve-customers.ts';
import { faultSwitch, withFaults } from './faults.ts';

const faults = faultSwitch();
let dice = 0.5;
let database: TestDatabase;
let customers: ServedCustomers;

beforeAll(async () => {
  database = await customerDatabase();
  customers = await serveCustomers(database.url, (handlers) =>
    withFaults(handlers, faults, () => dice),
  );
});

afterAll(async () => {
  await customers?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  faults.current = { latencyMs: 0, failRatio: 0 };
  dice = 0.5;
});

const ada = { name: 'Ada Lovelace', email: 'ada@example.com' };

it('changes nothing while both are 0', async () => {
  dice = 0;
  await customers.register(ada);
});

it('fails the given share of the calls of every method with UNAVAILABLE, and does nothing then', async () => {
  const customerId = randomUUID();
  faults.current = { latencyMs: 0, failRatio: 0.6 };
  for (const call of [
    () => customers.register({ ...ada, customerId }),
    () => customers.get(customerId),
    () => customers.batch([customerId]),
  ])
    expect(await customers.ended(call())).toMatchObject({ code: 'UNAVAILABLE' });
  dice = 0.6;
  await customers.register({ ...ada, customerId });
  expect((await customers.get(customerId)).customer).toMatchObject(ada);
});

it('delays calls', async () => {
  faults.current = { latencyMs: 300, failRatio: 0 };
  const startedAt = performance.now();
  await customers.batch([randomUUID()]);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(299);
});

it("ends the delay with the call: a caller's deadline is kept, and nothing runs after it", async () => {
  faults.current = { latencyMs: 600_000, failRatio: 0 };
  const customerId = randomUUID();
  const call = customers.register({ ...ada, customerId }, 200);
  expect(await customers.ended(call)).toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
  faults.current = { latencyMs: 0, failRatio: 0 };
  expect((await customers.batch([customerId])).records).toEqual([]);
});
