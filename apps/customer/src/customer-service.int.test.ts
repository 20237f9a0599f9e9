import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customerDatabase } from '../test/customer-database.ts';
import { type ServedCustomers, serveCustomers } from '../test/serve-customers.ts';

let database: TestDatabase;
let customers: ServedCustomers;

beforeAll(async () => {
  database = await customerDatabase();
  customers = await serveCustomers(database.url);
});

afterAll(async () => {
  await customers?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const ada = { name: 'Ada Lovelace', email: 'ada@example.com' };
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('RegisterCustomer', () => {
  it('makes an id for those who bring none', async () => {
    const { customer } = await customers.register(ada);
    expect(customer).toMatchObject({ ...ada, customerId: expect.stringMatching(uuid) });
    expect((await customers.get(customer?.customerId ?? '')).customer).toEqual(customer);
  });

  it('takes the id that is brought, in lower case', async () => {
    const customerId = randomUUID();
    const { customer } = await customers.register({
      ...ada,
      customerId: customerId.toUpperCase(),
    });
    expect(customer?.customerId).toBe(customerId);
  });

  it.each([
    ['other data', { name: 'Grace', email: 'grace@example.com' }],
    ['the same data', ada],
  ])('refuses a taken id with %s and changes nothing', async (_, second) => {
    const customerId = randomUUID();
    await customers.register({ ...ada, customerId });
    expect(await customers.ended(customers.register({ ...second, customerId }))).toMatchObject({
      reason: 'CUSTOMER_ALREADY_EXISTS',
      code: 'ALREADY_EXISTS',
      resource: { type: 'customer', name: customerId },
    });
    expect((await customers.get(customerId)).customer).toMatchObject(ada);
  });

  it('lets exactly one of many simultaneous callers have an id', async () => {
    const customerId = randomUUID();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        customers.register({ customerId, name: `caller ${i}`, email: ada.email }),
      ),
    );
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(won).toHaveLength(1);
    expect(new Set(lost.map(({ reason }) => reason.reason))).toEqual(
      new Set(['CUSTOMER_ALREADY_EXISTS']),
    );
    expect((await customers.get(customerId)).customer).toEqual(won[0]?.value.customer);
  });

  it.each([
    ['200 letters', { ...ada, name: 'x'.repeat(200) }],
    ['letters beyond the basic plane', { ...ada, name: '🦀'.repeat(200) }],
    ['quotes and SQL', { ...ada, name: `Robert'); DROP TABLE customer; --` }],
  ])('stores a name of %s as it is', async (_, request) => {
    const { customer } = await customers.register(request);
    expect((await customers.get(customer?.customerId ?? '')).customer?.name).toBe(request.name);
  });

  it.each([
    ['an empty name', { ...ada, name: '' }, 'name'],
    ['201 letters', { ...ada, name: 'x'.repeat(201) }, 'name'],
    ['U+0000 in the name', { ...ada, name: 'A\0a' }, 'name'],
    ['no e-mail', { ...ada, email: '' }, 'email'],
    ['an e-mail without a domain', { ...ada, email: 'ada' }, 'email'],
    ['an e-mail of 321 letters', { ...ada, email: `${'x'.repeat(309)}@example.com` }, 'email'],
    ['an id that is no UUID', { ...ada, customerId: 'ada' }, 'customer_id'],
  ])('refuses %s and names the field', async (_, request, field) => {
    expect(await customers.ended(customers.register(request))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: expect.arrayContaining([expect.objectContaining({ field })]),
    });
  });
});

describe('GetCustomer', () => {
  it('takes ids in any case', async () => {
    const { customer } = await customers.register(ada);
    const id = customer?.customerId ?? '';
    expect((await customers.get(id.toUpperCase())).customer).toEqual(customer);
  });

  it('answers CUSTOMER_NOT_FOUND for an id that nobody has', async () => {
    expect(await customers.ended(customers.get(randomUUID()))).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
      code: 'NOT_FOUND',
    });
  });

  it('refuses what is no UUID', async () => {
    expect(await customers.ended(customers.get('1'))).toMatchObject({ reason: 'INVALID_REQUEST' });
    expect(await customers.ended(customers.get(''))).toMatchObject({ reason: 'INVALID_REQUEST' });
  });
});

describe('BatchGetCustomers', () => {
  it('answers those that exist, each once, with their revision', async () => {
    const ids = [randomUUID(), randomUUID()];
    for (const customerId of ids) await customers.register({ ...ada, customerId });
    const { records } = await customers.batch([...ids, ...ids, randomUUID()]);
    const found = records.map(({ customer, revision }) => ({ ...customer, revision }));
    expect(found).toHaveLength(2);
    for (const customerId of ids)
      expect(found).toContainEqual(expect.objectContaining({ ...ada, customerId, revision: 2 }));
  });

  it('answers nothing where nobody exists', async () => {
    expect((await customers.batch([randomUUID()])).records).toEqual([]);
  });

  it('takes 1 to 500 ids', async () => {
    const ids = Array.from({ length: 500 }, () => randomUUID());
    expect((await customers.batch(ids)).records).toEqual([]);
    for (const bad of [[], [...ids, randomUUID()], ['ada']])
      expect(await customers.ended(customers.batch(bad))).toMatchObject({
        reason: 'INVALID_REQUEST',
      });
  });
});
