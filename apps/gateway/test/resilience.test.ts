import { ReasonError } from '@ordermesh/contract';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type StubMesh, startStubMesh } from './stub-mesh.ts';

const orderId = '3f0c6a52-1d52-4a0c-8f5c-9a1f6f0b2c11';
const order = `/v1/orders/${orderId}`;
const down = () =>
  Promise.reject(new ReasonError('DEPENDENCY_UNAVAILABLE', 'down', { retryAfterMs: 1000 }));
const confirmed = () => ({ order: { orderId, version: 2 }, consistencyToken: 'x' });

let mesh: StubMesh;
beforeEach(async () => {
  await mesh?.[Symbol.asyncDispose]();
  mesh = await startStubMesh({ requestTimeoutMs: 2_000 }); // circuits of its own
});
afterAll(() => mesh?.[Symbol.asyncDispose]());

/** A method that is down for its first `failures` calls. */
function downFor(failures: number, answer: () => unknown) {
  let calls = 0;
  return () => (calls++ < failures ? down() : answer());
}

test('a read is tried again, and its client notices nothing', async () => {
  mesh.script({ GetOrder: downFor(2, () => ({ order: { orderId, version: 1 } })) });
  expect((await mesh.send('GET', order)).status).toBe(200);
  expect(mesh.calls).toHaveLength(3);
});

test('a command is tried again only with an idempotency key: without one it might happen twice', async () => {
  mesh.script({ ConfirmOrder: downFor(1, confirmed) });
  const headers = { 'idempotency-key': 'k1' };
  expect((await mesh.send('POST', `${order}/confirm`, { headers })).status).toBe(200);
  expect(mesh.calls).toHaveLength(2);
  mesh.script({ ConfirmOrder: downFor(1, confirmed) });
  const refused = await mesh.send('POST', `${order}/confirm`);
  expect([refused.status, refused.json.reason]).toEqual([503, 'DEPENDENCY_UNAVAILABLE']);
  expect(mesh.calls).toHaveLength(1);
});

test('a registration is never tried again: the customer service remembers no keys', async () => {
  mesh.script({ RegisterCustomer: down });
  const body = { name: 'Ada', email: 'ada@example.com' };
  await mesh.send('POST', '/v1/customers', { body, headers: { 'idempotency-key': 'k1' } });
  expect(mesh.calls).toHaveLength(1);
});

test('a service that is down for good is left alone, and clients hear so at once and when to come back', async () => {
  mesh.script({ ConfirmOrder: down });
  const replies = [];
  for (let i = 0; i < 200; i++) replies.push(await mesh.send('POST', `${order}/confirm`));
  expect(replies.every(({ status }) => status === 503)).toBe(true);
  for (const { headers } of replies) expect(headers.get('retry-after')).toMatch(/^[12]$/);
  // Ten open the circuit; after that one probe each half second at most.
  expect(mesh.calls.length).toBeGreaterThanOrEqual(10);
  expect(mesh.calls.length).toBeLessThan(replies.length);
  mesh.script({ ConfirmOrder: confirmed });
  await expect
    .poll(async () => (await mesh.send('POST', `${order}/confirm`)).status, { timeout: 10_000 })
    .toBe(200);
});

test('in a full outage reads, which are tried again, cost the service at most 1.1 attempts each', async () => {
  mesh.script({ GetOrder: down });
  const reads = 300;
  for (let i = 0; i < reads; i++) expect((await mesh.send('GET', order)).status).toBe(503);
  expect(mesh.calls.length).toBeGreaterThanOrEqual(10);
  expect(mesh.calls.length).toBeLessThanOrEqual(1.1 * reads);
});

test('a method that hangs leaves the others alone', async () => {
  const hung = Promise.withResolvers<object>();
  let ended = 0;
  mesh.script({ GetOrder: () => hung.promise, GetCustomer: () => ({}), ConfirmOrder: confirmed });
  const reads = Array.from({ length: 9 }, () => mesh.send('GET', order).finally(() => ended++));
  await expect.poll(() => mesh.calls.length, { timeout: 10_000 }).toBe(9);
  expect((await mesh.send('GET', `/v1/customers/${orderId}`)).status).toBe(200);
  expect((await mesh.send('POST', `${order}/confirm`)).status).toBe(200);
  expect(ended).toBe(0);
  hung.resolve({ order: { orderId, version: 1 } });
  await Promise.all(reads);
});

test('a service that hangs is left alone, too: its clients wait for nothing once that is known', async () => {
  await using hung = await startStubMesh({ requestTimeoutMs: 1_000 });
  hung.script({ GetOrder: () => new Promise<never>(() => undefined) });
  // Again and again, because a call that begins more than 130 ms late is an impatient client's, and counts for nothing.
  const statuses = async () => {
    const late = await Promise.all(Array.from({ length: 10 }, () => hung.send('GET', order)));
    return late.map(({ status }) => status);
  };
  await expect.poll(statuses, { timeout: 15_000 }).toContain(503);
});

test('a storm of refusals opens nothing', async () => {
  const absent = () => Promise.reject(new ReasonError('ORDER_NOT_FOUND', 'no such order'));
  mesh.script({ GetOrder: absent, GetCustomer: () => ({}) });
  const storm = await Promise.all(Array.from({ length: 100 }, () => mesh.send('GET', order)));
  expect(new Set(storm.map(({ status }) => status))).toEqual(new Set([404]));
  expect((await mesh.send('GET', `/v1/customers/${orderId}`)).status).toBe(200);
});

test('clients who go away, or name a deadline that is too short, trip nothing', async () => {
  const hangs = () => new Promise<never>(() => undefined);
  mesh.script({ GetOrder: hangs, GetCustomer: () => ({}) });
  const impatient = { 'connect-timeout-ms': '60' };
  const late = Array.from({ length: 30 }, () => mesh.send('GET', order, { headers: impatient }));
  const gone = Array.from({ length: 30 }, () =>
    fetch(mesh.url + order, { signal: AbortSignal.timeout(60) }).catch(() => 'gone'),
  );
  expect(new Set((await Promise.all(late)).map(({ status }) => status))).toEqual(new Set([504]));
  expect(new Set(await Promise.all(gone))).toEqual(new Set(['gone']));
  expect((await mesh.send('GET', `/v1/customers/${orderId}`)).status).toBe(200);
});

test('a gateway that is full refuses searches first, and what finishes an order last', async () => {
  await using full = await startStubMesh({ maxConcurrent: 10 });
  const answers = Promise.withResolvers<object>();
  const waits = () => answers.promise;
  full.script({ GetOrder: waits, ListOrders: waits, PayOrder: () => confirmed() });
  const reads = Array.from({ length: 9 }, () => full.send('GET', order));
  await expect.poll(() => full.calls.length, { timeout: 10_000 }).toBe(9);
  const refused = await full.send('GET', `/v1/customers/${orderId}/orders`);
  expect([refused.status, refused.json.reason]).toEqual([503, 'OVERLOADED']);
  expect(refused.json.type).toMatch(/#temporary-reduced-capacity$/);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await full.send('GET', order)).status).toBe(503);
  const body = { paymentId: 'p', amount: { currencyCode: 'USD', minorUnits: '1' } };
  expect((await full.send('POST', `${order}/pay`, { body })).status).toBe(200);
  answers.resolve({ order: { orderId, version: 1 } });
  expect(new Set((await Promise.all(reads)).map(({ status }) => status))).toEqual(new Set([200]));
  expect((await full.send('GET', order)).status).toBe(200);
});
