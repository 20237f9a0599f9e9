import { randomUUID } from 'node:crypto';
import { create, createRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyUnpack, Int32ValueSchema, StringValueSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import {
  BadRequestSchema,
  CreateOrderResponseSchema,
  CustomerService,
  ErrorInfoSchema,
  eventSchemas,
  OrderCancelledSchema,
  OrderLogService,
  OrderPaidSchema,
  OrderStatus,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from '@ordermesh/contract';
import { eventually } from '@ordermesh/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grpcClient } from './support/grpc-client.ts';
import { type Mesh, startMesh } from './support/mesh.ts';
import { openServices, protocols, type Services } from './support/protocols.ts';
import { describedService, listedServices } from './support/reflection.ts';

let mesh: Mesh;
beforeAll(async () => {
  mesh = await startMesh();
});
afterAll(() => mesh?.[Symbol.asyncDispose]());

const total = { currencyCode: 'USD', minorUnits: 2500n };
const eventTypes = createRegistry(...Object.values(eventSchemas));

function order(change: { customerId?: string; items?: { quantity: number }[] } = {}) {
  const address = { recipient: 'Ada Lovelace', line1: '12 St James’s Square', city: 'London' };
  const tea = { productId: randomUUID(), productName: 'Green tea', quantity: 2 };
  return {
    customerId: randomUUID(),
    items: [{ ...tea, unitPrice: { currencyCode: 'USD', minorUnits: 1250n } }],
    shippingAddress: { ...address, postalCode: 'SW1Y 4JH', countryCode: 'GB' },
    ...change,
  };
}

/** The error that a call ends with, as this protocol's client shows it. */
async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    (answer) => new Error(`answered ${JSON.stringify(answer, (_, v) => String(v))}`),
    (reason: unknown) => reason,
  );
  if (error instanceof ConnectError) return error;
  throw error;
}

function infoOf(error: ConnectError) {
  const [info] = error.findDetails(ErrorInfoSchema);
  return { code: error.code, reason: info?.reason, domain: info?.domain };
}

describe.each(protocols)('%s', (protocol) => {
  let services: Services;
  beforeAll(() => {
    services = openServices(mesh, protocol);
  });
  afterAll(() => services?.[Symbol.dispose]());

  test('carries an order from placing to delivery, and its view and history', async () => {
    const { command, query, history, customer } = services;
    const customerId = randomUUID();
    const name = 'Ada Lovelace';
    await customer.registerCustomer({ customerId, name, email: 'ada@example.com' });
    expect((await customer.getCustomer({ customerId })).customer?.name).toBe(name);

    const seen = new Headers();
    const onHeader = (headers: Headers) => {
      for (const header of ['etag', 'consistency-token'])
        seen.set(header, headers.get(header) ?? '');
    };
    const placed = await command.createOrder(order({ customerId }), { onHeader });
    const orderId = placed.order?.orderId ?? '';
    expect(placed.order).toMatchObject({ version: 1, status: OrderStatus.PENDING, total });
    expect(seen.get('etag')).toBe('"1"');

    await command.confirmOrder({ orderId, expectedVersion: 1 });
    await command.payOrder({ orderId, paymentId: 'pay-1', amount: total });
    await command.shipOrder({ orderId, trackingNumber: '1Z999' });
    const delivered = await command.deliverOrder({ orderId }, { onHeader });
    expect(delivered.order).toMatchObject({ version: 5, status: OrderStatus.DELIVERED });
    expect(seen.get('etag')).toBe('"5"');
    expect(seen.get('consistency-token')).toBe(delivered.consistencyToken);

    const headers = { 'consistency-token': delivered.consistencyToken };
    const got = await query.getOrder({ orderId }, { headers, onHeader });
    expect(got.order).toMatchObject({ version: 5, customerName: name, total });
    expect(seen.get('etag')).toBe('"5.2"');
    expect((await query.getOrder({ orderId, minVersion: 5 })).order).toEqual(got.order);
    expect((await query.listOrders({ customerId }, { headers })).orders).toEqual([got.order]);
    const status = [OrderStatus.DELIVERED];
    const found = await query.searchOrders({ query: orderId, status }, { headers });
    expect(found.orders).toEqual([got.order]);

    const { events } = await history.listOrderEvents({ orderId });
    expect(events.map(({ type, version }) => `${version} ${type}`)).toEqual([
      '1 OrderCreated',
      '2 OrderConfirmed',
      '3 OrderPaid',
      '4 OrderShipped',
      '5 OrderDelivered',
    ]);
    const paid = events[2]?.data && anyUnpack(events[2].data, OrderPaidSchema);
    expect(paid).toMatchObject({ paymentId: 'pay-1', amount: total });
  });

  test('carries the edits of a pending order', async () => {
    const { command, query, history } = services;
    const product = (productName: string, minorUnits: bigint) => {
      const unitPrice = { currencyCode: 'USD', minorUnits };
      return { productId: randomUUID(), productName, quantity: 2, unitPrice };
    };
    const [tea, cup] = [product('Green tea', 1250n), product('Cup', 300n)];
    const request = order({ items: [tea] });
    const orderId = (await command.createOrder(request)).order?.orderId ?? '';
    const shippingAddress = { ...request.shippingAddress, city: 'Leeds' };

    const added = await command.addItem({ orderId, item: cup, expectedVersion: 1 });
    expect(added.order).toMatchObject({ version: 2, total: { minorUnits: 3100n } });
    await command.addItem({ orderId, item: { ...cup, quantity: 1 } });
    const stale = await errorOf(
      command.changeShippingAddress({ orderId, shippingAddress, expectedVersion: 2 }),
    );
    expect(infoOf(stale)).toMatchObject({ code: Code.Aborted, reason: 'VERSION_CONFLICT' });
    await command.changeShippingAddress({ orderId, shippingAddress });
    const minimum = await errorOf(command.removeItem({ orderId, productId: tea.productId }));
    expect(infoOf(minimum)).toMatchObject({
      code: Code.FailedPrecondition,
      reason: 'ORDER_BELOW_MINIMUM',
    });

    const removed = await command.removeItem({ orderId, productId: cup.productId });
    expect(removed.order).toMatchObject({ version: 5, status: OrderStatus.PENDING, total });
    const headers = { 'consistency-token': removed.consistencyToken };
    const seen = await query.getOrder({ orderId }, { headers });
    expect(seen.order).toMatchObject({ version: 5, items: [tea], total, shippingAddress });
    const absent = await errorOf(command.removeItem({ orderId, productId: cup.productId }));
    expect(infoOf(absent)).toMatchObject({ code: Code.NotFound, reason: 'ITEM_NOT_FOUND' });

    const { events } = await history.listOrderEvents({ orderId });
    const [, , more, moved, gone] = events.map(({ data }) => data && anyUnpack(data, eventTypes));
    expect(more).toMatchObject({
      item: { ...cup, quantity: 3 },
      addedQuantity: 1,
      total: { minorUnits: 3400n },
    });
    expect(moved).toMatchObject({ shippingAddress });
    expect(gone).toMatchObject({ productId: cup.productId, removedQuantity: 3, total });
  });

  test('carries the idempotency key: a repetition answers as the first time', async () => {
    const { command, history } = services;
    const headers = { 'idempotency-key': randomUUID() };
    const request = order();
    const send = async () =>
      toBinary(CreateOrderResponseSchema, await command.createOrder(request, { headers }));
    const first = await send();
    const orderId = fromBinary(CreateOrderResponseSchema, first).order?.orderId ?? '';
    await command.cancelOrder({ orderId, reason: 'changed my mind' });
    expect(await Promise.all([send(), send()])).toEqual([first, first]);
    const { events } = await history.listOrderEvents({ orderId });
    expect(events).toHaveLength(2);
    const cancelled = events[1]?.data && anyUnpack(events[1].data, OrderCancelledSchema);
    expect(cancelled?.reason).toBe('changed my mind');

    const other = await errorOf(command.createOrder(order(), { headers }));
    expect(infoOf(other)).toMatchObject({
      code: Code.AlreadyExists,
      reason: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  test('gives the client typed details with every error', async () => {
    const { command, query } = services;
    const placed = await command.createOrder(order());
    const orderId = placed.order?.orderId ?? '';
    const domain = 'ordermesh';

    const shape = await errorOf(command.createOrder(order({ items: [{ quantity: -1 }] })));
    expect(infoOf(shape)).toEqual({
      code: Code.InvalidArgument,
      reason: 'INVALID_REQUEST',
      domain,
    });
    const fields = shape.findDetails(BadRequestSchema)[0]?.fieldViolations;
    expect(fields?.map(({ field }) => field)).toEqual(
      expect.arrayContaining(['items[0].product_id', 'items[0].quantity', 'items[0].unit_price']),
    );
    expect(fields?.every(({ reason, description }) => reason && description)).toBe(true);

    const state = await errorOf(command.shipOrder({ orderId, trackingNumber: '1Z999' }));
    expect(infoOf(state)).toEqual({
      code: Code.FailedPrecondition,
      reason: 'ORDER_NOT_PAID',
      domain,
    });
    expect(state.findDetails(PreconditionFailureSchema)[0]?.violations).toMatchObject([
      { type: 'ORDER_NOT_PAID', subject: `order/${orderId}` },
    ]);

    const version = await errorOf(command.confirmOrder({ orderId, expectedVersion: 4 }));
    expect(infoOf(version)).toEqual({ code: Code.Aborted, reason: 'VERSION_CONFLICT', domain });
    expect(version.findDetails(ErrorInfoSchema)[0]?.metadata).toEqual({
      expectedVersion: '4',
      actualVersion: '1',
    });

    const absentId = randomUUID();
    const absent = await errorOf(query.getOrder({ orderId: absentId }));
    expect(infoOf(absent)).toEqual({ code: Code.NotFound, reason: 'ORDER_NOT_FOUND', domain });
    expect(absent.findDetails(ResourceInfoSchema)).toMatchObject([
      { resourceType: 'order', resourceName: absentId },
    ]);

    const late = await errorOf(query.getOrder({ orderId, minVersion: 9 }));
    expect(infoOf(late)).toEqual({
      code: Code.Aborted,
      reason: 'EVENTUAL_CONSISTENCY_TIMEOUT',
      domain,
    });
    expect(late.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
  });

  test('carries the deadline to the service that waits', async () => {
    const { query, command } = services;
    const orderId = (await command.createOrder(order())).order?.orderId ?? '';
    const wait = { orderId, minVersion: 9 };
    // Without the deadline the service would wait for 1,500 ms, and the client would have given up before it hears so.
    await eventually(async () => {
      const late = await errorOf(query.getOrder(wait, { timeoutMs: 1_000 }));
      return infoOf(late).reason === 'EVENTUAL_CONSISTENCY_TIMEOUT';
    });
    const never = await errorOf(query.getOrder(wait, { timeoutMs: 1 }));
    expect(never.code).toBe(Code.DeadlineExceeded);
  });
});

const services = {
  command: [
    'ordermesh.order.v1.OrderCommandService',
    'ordermesh.order.v1.OrderHistoryService',
    'ordermesh.order.v1.OrderLogService',
  ],
  query: ['ordermesh.order.v1.OrderQueryService'],
  customer: ['ordermesh.customer.v1.CustomerService'],
} as const;
const processes = Object.keys(services) as (keyof typeof services)[];

describe.each(processes)('the gRPC server of %s', (name) => {
  test.each(['v1', 'v1alpha'] as const)(
    'lists and describes its services by reflection %s',
    async (version) => {
      const address = mesh.address[name];
      expect(await listedServices(address, version)).toEqual(
        expect.arrayContaining([...services[name]]),
      );
      for (const service of services[name]) {
        // So a client needs no proto file of ours.
        const described = await describedService(address, version, service);
        expect(described?.methods.length).toBeGreaterThan(0);
      }
    },
  );

  test('says by health that it serves: as a whole, alive, ready, and each service', async () => {
    using client = grpcClient(mesh.address[name]);
    const check = async (service: string) => {
      // On the wire HealthCheckRequest is a StringValue, and HealthCheckResponse an Int32Value.
      const request = toBinary(StringValueSchema, create(StringValueSchema, { value: service }));
      const answer = await client.bytes('/grpc.health.v1.Health/Check', request);
      return fromBinary(Int32ValueSchema, answer).value;
    };
    for (const service of ['', 'liveness', 'readiness', ...services[name]])
      expect([service, await check(service)]).toEqual([service, 1]); // SERVING
    await expect(check('nobody')).rejects.toMatchObject({ code: 5 });
  });
});

describe('what is internal to the mesh', () => {
  const paths = [
    '/ordermesh.order.v1.OrderLogService/ReadLog',
    '/ordermesh.customer.v1.CustomerService/BatchGetCustomers',
    '/grpc.health.v1.Health/Check',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  ];
  const types = [
    'application/json',
    'application/proto',
    'application/grpc-web+proto',
    'application/grpc',
  ];

  test.each(paths)('%s is no route of the gateway', async (path) => {
    for (const type of types) {
      const headers = { 'content-type': type, 'connect-protocol-version': '1' };
      const response = await fetch(mesh.url + path, { method: 'POST', headers, body: '{}' });
      expect(response.status, type).toBe(404);
      expect(await response.json()).toMatchObject({ reason: 'ROUTE_NOT_FOUND' });
    }
    expect((await fetch(mesh.url + path)).status).toBe(404);
  });

  test.each(['/livez', '/readyz', '/metrics', '/breakers', '/faults'])(
    '%s is no route of the gateway',
    async (path) => {
      expect((await fetch(mesh.url + path)).status).toBe(404);
    },
  );

  test('answers inside, and nobody else by any protocol', async () => {
    const { readLog } = OrderLogService.method;
    const { batchGetCustomers } = CustomerService.method;
    const asked = {
      log: create(readLog.input, { partition: 0 }),
      batch: create(batchGetCustomers.input, { customerIds: [randomUUID()] }),
    };
    using command = grpcClient(mesh.address.command);
    using customer = grpcClient(mesh.address.customer);
    expect((await command.answer(readLog, asked.log)).messages).toBeInstanceOf(Array);
    expect((await customer.answer(batchGetCustomers, asked.batch)).records).toEqual([]);

    const options = { baseUrl: mesh.url, httpVersion: '1.1' } as const;
    const transports = [
      createConnectTransport({ ...options, useBinaryFormat: false }),
      createConnectTransport(options),
      createGrpcWebTransport(options),
    ];
    for (const transport of transports) {
      const log = createClient(OrderLogService, transport).readLog(asked.log);
      const batch = createClient(CustomerService, transport).batchGetCustomers(asked.batch);
      expect((await errorOf(log)).code).toBe(Code.Unimplemented);
      expect((await errorOf(batch)).code).toBe(Code.Unimplemented);
    }
    using edge = grpcClient(new URL(mesh.url).host);
    expect((await edge.refusal(readLog, asked.log)).code).toBe('UNAVAILABLE');
    expect((await edge.refusal(batchGetCustomers, asked.batch)).code).toBe('UNAVAILABLE');
  });
});
