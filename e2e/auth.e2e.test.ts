import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  BatchGetCustomersRequestSchema,
  CustomerService,
  GetOrderRequestSchema,
  ListOrderEventsRequestSchema,
  ListOrdersRequestSchema,
  OrderCommandService,
  OrderHistoryService,
  OrderLogService,
  OrderQueryService,
  ReadLogRequestSchema,
  ShipOrderRequestSchema,
} from '@ordermesh/contract';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderRequest, type Reply, rest, total } from './support/api.ts';
import { type GrpcClient, grpcClient } from './support/grpc-client.ts';
import { type Mesh, startMesh } from './support/mesh.ts';

const ann = randomUUID();
const bob = randomUUID();
const staffScope = 'orders:read orders:fulfil';

type Headers = Record<string, string>;
let mesh: Mesh;
let query: GrpcClient;
let command: GrpcClient;
let customer: GrpcClient;
let asAnn: Headers;
let asBob: Headers;
let asStaff: Headers;
/** Ann's order, paid. */
let orderId: string;

beforeAll(async () => {
  mesh = await startMesh({ env: { AUTH: 'jwt' } });
  query = grpcClient(mesh.address.query);
  command = grpcClient(mesh.address.command);
  customer = grpcClient(mesh.address.customer);
  asAnn = await tokenFor(ann);
  asBob = await tokenFor(bob);
  asStaff = await tokenFor('warehouse', staffScope);
  const name = { name: 'Ann', email: 'ann@example.com' };
  expect((await post('/v1/customers', name, asAnn)).body.customer.customerId).toBe(ann);
  const placed = await post('/v1/orders', orderRequest({ customerId: ann }), asAnn);
  expect(placed.status).toBe(201);
  ({ orderId } = placed.body.order);
  const paid = await post(`/v1/orders/${orderId}/pay`, { paymentId: 'p', amount: total }, asAnn);
  expect(paid.status).toBe(200);
});
afterAll(async () => {
  for (const client of [query, command, customer]) client?.[Symbol.dispose]();
  await mesh?.[Symbol.asyncDispose]();
});

async function tokenFor(sub: string, scope?: string): Promise<Headers> {
  const body = new URLSearchParams({ sub, ...(scope && { scope }) });
  const response = await fetch(`${mesh.issuer}/token`, { method: 'POST', body });
  const { access_token } = (await response.json()) as { access_token: string };
  return { authorization: `Bearer ${access_token}` };
}
const post = (path: string, body: unknown, headers: Headers = {}) =>
  rest(mesh.url, 'POST', path, body, headers);
const get = (path: string, headers: Headers = {}) =>
  rest(mesh.url, 'GET', path, undefined, headers);
const outcome = ({ status, body }: Reply) => [status, body.reason ?? body.code];
/** The denials that the processes logged under the trace of a request. */
const denials = (traceId: string) =>
  mesh.lines.filter((line) => line.includes('denied') && line.includes(traceId));

const readOrder = () => create(GetOrderRequestSchema, { orderId });

describe('without a token', () => {
  test('nobody gets in, over REST, Connect and gRPC, and it is logged once', async () => {
    const overRest = await get(`/v1/orders/${orderId}`);
    expect(outcome(overRest)).toEqual([401, 'UNAUTHENTICATED']);
    expect(overRest.headers.get('www-authenticate')).toBe('Bearer realm="ordermesh"');
    const overConnect = await post(`/${OrderQueryService.typeName}/GetOrder`, { orderId });
    expect(outcome(overConnect)).toEqual([401, 'unauthenticated']);
    expect(await query.refusal(OrderQueryService.method.getOrder, readOrder())).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'UNAUTHENTICATED',
    });
    const { traceId } = overRest.body;
    await eventually(() => denials(traceId).length > 0);
    expect(denials(traceId)).toHaveLength(1);
  });

  test('the log and the customers are not even for users: only the projector reads them', async () => {
    const readLog = create(ReadLogRequestSchema, {});
    const method = OrderLogService.method.readLog;
    const claimed = { 'ordermesh-service': 'ordermesh-projector' };
    const options = { headers: { ...asStaff, ...claimed } };
    expect(await command.refusal(method, readLog, options)).toMatchObject({ reason: 'FORBIDDEN' });
    expect(await command.refusal(method, readLog, { headers: claimed })).toMatchObject({
      reason: 'UNAUTHENTICATED',
    });
    const batch = create(BatchGetCustomersRequestSchema, { customerIds: [ann] });
    const customers = CustomerService.method.batchGetCustomers;
    expect(await customer.refusal(customers, batch, { headers: asAnn })).toMatchObject({
      reason: 'FORBIDDEN',
    });
  });
});

describe('a customer', () => {
  test('sees its own order over REST, Connect and gRPC, with what the projector fetched for it', async () => {
    await eventually(async () => {
      const { body } = await get(`/v1/orders/${orderId}?minVersion=2`, asAnn);
      return body.order.customerId === ann && body.order.customerName === 'Ann';
    });
    const path = `/${OrderQueryService.typeName}/GetOrder`;
    expect((await post(path, { orderId }, asAnn)).body.order.customerId).toBe(ann);
    const { order } = await query.answer(OrderQueryService.method.getOrder, readOrder(), asAnn);
    expect(order?.customerId).toBe(ann);
    expect((await get('/v1/orders', asAnn)).body.orders).toHaveLength(1);
    expect((await get(`/v1/customers/${ann}`, asAnn)).body.customer.name).toBe('Ann');
  });

  test('stands in the history as who did it, with the process that it came through', async () => {
    const { body } = await get(`/v1/orders/${orderId}/events`, asAnn);
    const actors = body.events.map(({ actor }: { actor: unknown }) => actor);
    expect(actors).toEqual([
      { subject: ann, service: 'ordermesh-gateway' },
      { subject: ann, service: 'ordermesh-gateway' },
    ]);
  });

  test('may neither ship nor deliver, and the answer names the scope', async () => {
    const shipped = await post(`/v1/orders/${orderId}/ship`, { trackingNumber: '1Z' }, asAnn);
    expect(outcome(shipped)).toEqual([403, 'FORBIDDEN']);
    expect(shipped.headers.get('www-authenticate')).toContain('scope="orders:fulfil"');
    await eventually(() => denials(shipped.body.traceId).length > 0);
    expect(denials(shipped.body.traceId)).toHaveLength(1);
    // The service decides too, whoever asks it.
    const ship = create(ShipOrderRequestSchema, { orderId, trackingNumber: '1Z' });
    const method = OrderCommandService.method.shipOrder;
    expect(await command.refusal(method, ship, { headers: asAnn })).toMatchObject({
      code: 'PERMISSION_DENIED',
      reason: 'FORBIDDEN',
    });
  });

  test('that may only read may not write', async () => {
    const readOnly = await tokenFor(ann, 'orders:read');
    const order = orderRequest({ customerId: ann });
    expect(outcome(await post('/v1/orders', order, readOnly))).toEqual([403, 'FORBIDDEN']);
    expect((await get(`/v1/orders/${orderId}`, readOnly)).status).toBe(200);
  });

  test('cannot be registered by another one', async () => {
    const other = { customerId: randomUUID(), name: 'Eve', email: 'eve@example.com' };
    expect(outcome(await post('/v1/customers', other, asBob))).toEqual([403, 'FORBIDDEN']);
  });
});

describe('another customer’s order', () => {
  test('cannot be placed', async () => {
    const order = orderRequest({ customerId: ann });
    const refused = await post('/v1/orders', order, asBob);
    expect(outcome(refused)).toEqual([403, 'FORBIDDEN']);
    await eventually(() => denials(refused.body.traceId).length > 0);
    expect(denials(refused.body.traceId)).toHaveLength(1);
  });

  test('looks absent over REST and Connect, whatever is asked', async () => {
    const absent = [404, 'ORDER_NOT_FOUND'];
    expect(outcome(await get(`/v1/orders/${orderId}`, asBob))).toEqual(absent);
    expect(outcome(await get(`/v1/orders/${orderId}/events`, asBob))).toEqual(absent);
    expect(outcome(await post(`/v1/orders/${orderId}/cancel`, {}, asBob))).toEqual(absent);
    expect(outcome(await get(`/v1/customers/${ann}/orders`, asBob))).toEqual([
      404,
      'CUSTOMER_NOT_FOUND',
    ]);
    expect(outcome(await get(`/v1/customers/${ann}`, asBob))).toEqual([404, 'CUSTOMER_NOT_FOUND']);
    expect((await get(`/v1/orders?query=${orderId}`, asBob)).body.orders).toEqual([]);
    expect((await get(`/v1/orders?customerId=${ann}`, asBob)).body.orders).toEqual([]);
    const path = `/${OrderQueryService.typeName}/GetOrder`;
    expect(outcome(await post(path, { orderId }, asBob))).toEqual([404, 'not_found']);
  });

  test('looks absent over gRPC', async () => {
    const options = { headers: asBob };
    const { getOrder, listOrders } = OrderQueryService.method;
    expect(await query.refusal(getOrder, readOrder(), options)).toMatchObject({
      reason: 'ORDER_NOT_FOUND',
    });
    const list = create(ListOrdersRequestSchema, { customerId: ann });
    expect(await query.refusal(listOrders, list, options)).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
    });
    const events = create(ListOrderEventsRequestSchema, { orderId });
    const { listOrderEvents } = OrderHistoryService.method;
    expect(await command.refusal(listOrderEvents, events, options)).toMatchObject({
      reason: 'ORDER_NOT_FOUND',
    });
  });
});

test('staff sees everybody’s orders, ships and delivers', async () => {
  expect((await get(`/v1/orders/${orderId}`, asStaff)).body.order.customerId).toBe(ann);
  expect((await get(`/v1/customers/${ann}/orders`, asStaff)).body.orders).toHaveLength(1);
  expect((await get(`/v1/customers/${ann}`, asStaff)).body.customer.name).toBe('Ann');
  const path = `/v1/orders/${orderId}`;
  expect((await post(`${path}/ship`, { trackingNumber: '1Z' }, asStaff)).status).toBe(200);
  expect((await post(`${path}/deliver`, {}, asStaff)).status).toBe(200);
  const { body } = await get(`${path}/events`, asStaff);
  expect(body.events.at(-1).actor).toEqual({ subject: 'warehouse', service: 'ordermesh-gateway' });
});

test('new keys of the issuer are noticed, and what the old one signed is worth nothing any more', async () => {
  const old = await tokenFor(ann);
  expect((await get(`/v1/orders/${orderId}`, old)).status).toBe(200);
  await mesh.kill('issuer');
  const fresh = await eventually(() => tokenFor(ann));
  await eventually(async () => (await get(`/v1/orders/${orderId}`, fresh)).status === 200);
  expect((await get(`/v1/orders/${orderId}`, old)).status).toBe(401);
});
