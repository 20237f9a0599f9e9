import { randomUUID } from 'node:crypto';
import { eventually, type TestDatabase } from '@ordermesh/testing';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BreakableLink, breakableLink } from '../test/breakable-link.ts';
import { customerDatabase } from '../test/customer-database.ts';
import { type ServedCustomers, serveCustomers } from '../test/serve-customers.ts';

let database: TestDatabase;
let link: BreakableLink;
let customers: ServedCustomers;
const customerId = randomUUID();
const ada = { name: 'Ada Lovelace', email: 'ada@example.com' };

beforeAll(async () => {
  database = await customerDatabase();
});

afterAll(() => database?.[Symbol.asyncDispose]());

beforeEach(async () => {
  link = await breakableLink(database.url);
  customers = await serveCustomers(link.url);
  await customers.register({ ...ada, customerId }).catch(() => undefined);
});

afterEach(async () => {
  await customers?.[Symbol.asyncDispose]();
  await link?.[Symbol.asyncDispose]();
});

// Leaves the answer 400 ms to arrive before it.
const deadlineMs = 4_000;

const works = () =>
  eventually(async () => (await customers.get(customerId)).customer?.name === ada.name);

async function withAdmin<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

describe('a database that is down', () => {
  it('makes every call end as DEPENDENCY_UNAVAILABLE without a word about SQL, until it is back', async () => {
    await link.cut();
    const calls = [
      customers.get(customerId),
      customers.batch([customerId]),
      customers.register(ada),
    ];
    for (const error of await Promise.all(calls.map(customers.ended))) {
      expect(error).toMatchObject({
        reason: 'DEPENDENCY_UNAVAILABLE',
        code: 'UNAVAILABLE',
        retryAfterMs: 1000,
      });
      expect(error.message).not.toMatch(/ECONN|127\.|postgres|select|insert|connection/i);
    }
    await expect(customers.store.ping(new AbortController().signal)).rejects.toThrow();
    await link.mend();
    await works();
    await customers.register(ada);
  });

  it('is no fault that outlives it: connections that the server ended are replaced', async () => {
    await withAdmin((client) =>
      client.query(
        'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
        [database.name],
      ),
    );
    expect((await customers.get(customerId)).customer).toMatchObject(ada);
    await works();
  });
});

describe('a database that is silent', () => {
  it("ends reads as DEPENDENCY_UNAVAILABLE before the caller's deadline, until it is back", async () => {
    link.silence();
    expect(await customers.ended(customers.get(customerId, deadlineMs))).toMatchObject({
      reason: 'DEPENDENCY_UNAVAILABLE',
    });
    await link.mend();
    await works();
  });

  it('leaves the outcome of a registration open, because it may have arrived', async () => {
    const error = await withAdmin(async (client) => {
      // The statement is with the server and waits there, so that only its outcome can be lost.
      await client.query('BEGIN');
      await client.query('LOCK TABLE customer IN EXCLUSIVE MODE');
      return await customers.ended(customers.register(ada, deadlineMs));
    });
    expect(error).toMatchObject({ reason: 'OUTCOME_UNKNOWN', code: 'UNAVAILABLE' });
    await works();
  });
});
