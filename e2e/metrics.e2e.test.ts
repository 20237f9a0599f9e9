import { randomUUID } from 'node:crypto';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderRequest, rest } from './support/api.ts';
import { type Mesh, startMesh } from './support/mesh.ts';
import { lastingMetricFaults, ruleValueFaults } from './support/metrics.ts';

let mesh: Mesh;
beforeAll(async () => {
  mesh = await startMesh({ env: { RATE_LIMIT: 'on', MIN_VERSION_WAIT_MS: '50' } });
});
afterAll(() => mesh?.[Symbol.asyncDispose]());

test('after one order every process exports what docs/metrics.md says of it, what counts faults included, and nothing else, and every value that a rule asks for', async () => {
  const customerId = randomUUID();
  const call = async (method: string, path: string, body?: unknown) =>
    (await rest(mesh.url, method, path, body)).status;
  const registered = { customerId, name: 'Ada Lovelace', email: 'ada@example.com' };
  expect(await call('POST', '/v1/customers', registered)).toBe(201);
  const orderId = randomUUID();
  expect(await call('POST', '/v1/orders', orderRequest({ orderId, customerId }))).toBe(201);
  await eventually(async () =>
    expect(await call('GET', `/v1/orders/${orderId}?minVersion=1`)).toBe(200),
  );
  expect(await call('GET', `/v1/orders/${orderId}?minVersion=9`)).toBe(503);
  expect(await call('GET', '/nowhere')).toBe(404);
  expect(await call('POST', `/v1/orders/${orderId}/deliver`)).toBe(409); // a refusal reads what is stored

  expect(await lastingMetricFaults(mesh, ['rate limits'])).toEqual([]);
  expect(await ruleValueFaults(mesh)).toEqual([]);
});
