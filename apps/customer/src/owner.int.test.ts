import { randomUUID } from 'node:crypto';
import type { Principal } from '@ordermesh/contract';
import type { CallContext } from '@ordermesh/rpc';
import type { TestDatabase } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customerDatabase } from '../test/customer-database.ts';
import { type ServedCustomers, serveCustomers } from '../test/serve-customers.ts';
import type { CustomerHandlers } from './customer-service.ts';

let database: TestDatabase;
let customers: ServedCustomers;
/** Who makes the next calls, as verified tokens would say. */
let principal: Principal;

beforeAll(async () => {
  database = await customerDatabase();
  customers = await serveCustomers(database.url, calledByPrincipal);
});

afterAll(async () => {
  await customers?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

function calledByPrincipal(handlers: CustomerHandlers): CustomerHandlers {
  const wrapped = Object.entries(handlers).map(([name, handle]) => [
    name,
    (request: never, call: CallContext) => handle(request, { ...call, principal }),
  ]);
  return Object.fromEntries(wrapped);
}

const ada = { name: 'Ada Lovelace', email: 'ada@example.com' };
const customer = (subject: string) => ({ subject, scopes: new Set(['customers:write']) });
const staff = { subject: 'desk', scopes: new Set(['customers:write', 'orders:fulfil']) };

describe('a customer', () => {
  it('registers itself, whether it says who it is or not', async () => {
    principal = customer(randomUUID());
    const { customer: registered } = await customers.register(ada);
    expect(registered?.customerId).toBe(principal.subject);
    principal = customer(randomUUID());
    const again = await customers.register({ ...ada, customerId: principal.subject });
    expect(again.customer?.customerId).toBe(principal.subject);
  });

  it('registers nobody else, and takes nobody’s id', async () => {
    principal = customer(randomUUID());
    const customerId = randomUUID();
    const refusal = await customers.ended(customers.register({ ...ada, customerId }));
    expect(refusal).toMatchObject({ reason: 'FORBIDDEN', code: 'PERMISSION_DENIED' });
    expect(await customers.store.find([customerId], new AbortController().signal)).toEqual([]);
  });

  it('sees itself, and others look absent', async () => {
    principal = customer(randomUUID());
    const { subject } = principal;
    await customers.register(ada);
    expect((await customers.get(subject)).customer).toMatchObject(ada);
    principal = customer(randomUUID());
    const [foreign, absent] = [
      await customers.ended(customers.get(subject)),
      await customers.ended(customers.get(randomUUID())),
    ];
    expect([foreign.reason, absent.reason]).toEqual(['CUSTOMER_NOT_FOUND', 'CUSTOMER_NOT_FOUND']);
    expect(foreign.message.replace(subject, '')).toBe(absent.message.replace(/ [\da-f-]{36}/, ' '));
  });
});

describe('staff', () => {
  it('registers and sees everybody', async () => {
    principal = staff;
    const customerId = randomUUID();
    await customers.register({ ...ada, customerId });
    expect((await customers.get(customerId)).customer).toMatchObject(ada);
    expect((await customers.register(ada)).customer?.customerId).toMatch(/^[\da-f-]{36}$/);
  });
});
