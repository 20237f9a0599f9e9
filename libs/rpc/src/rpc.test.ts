import { create, fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  CreateOrderRequestSchema,
  CustomerService,
  ErrorInfoSchema,
  OrderCommandService,
  ReasonError,
  reasons,
  StatusSchema,
} from '@ordermesh/contract';
import { describe, expect, test, vi } from 'vitest';
import { closed, failure, get, id, query } from '../test/served-query.ts';
import { callUnary } from './call.ts';
import { connect } from './channel.ts';
import { implement, type RpcServer, serveRpc } from './index.ts';

describe('a call', () => {
  test('carries request, response, metadata in and out, and the caller’s name', async () => {
    const { channel } = await query(async (request, call) => {
      call.setHeader('etag', '"1.0"');
      expect(call.caller).toEqual({ subject: 'anonymous', service: 'test' });
      return {
        order: {
          orderId: request.orderId,
          version: call.metadata('consistency-token').join().split(',').length,
        },
      };
    });
    const { message, headers } = await get(channel, {
      metadata: { 'consistency-token': ['a', 'b'] },
    });
    expect(message.order).toMatchObject({ orderId: id, version: 2 });
    expect(headers.get('etag')).toBe('"1.0"');
  });

  test('fails with the very error that the handler threw', async () => {
    for (const reason of Object.keys(reasons) as (keyof typeof reasons)[]) {
      const thrown = new ReasonError(reason, `about ${reason}`, {
        metadata: { expectedVersion: '3' },
        fields: [{ field: 'a.b', reason: 'r', detail: 'd' }],
        retryAfterMs: 1500,
        resource: { type: 'order', name: id },
        onState: true,
      });
      const { channel } = await query(() => Promise.reject(thrown));
      const seen = await failure(get(channel));
      expect({ ...seen, message: seen.message }).toEqual({ ...thrown, message: thrown.message });
    }
  });

  test('turns any other error into INTERNAL that says nothing', async () => {
    const { channel } = await query(() => Promise.reject(new Error('SELECT secret FROM users')));
    const seen = await failure(get(channel));
    expect(seen.code).toBe('INTERNAL');
    expect(seen.message).not.toContain('secret');
  });

  test('of an absent peer fails with DEPENDENCY_UNAVAILABLE and a time to retry', async () => {
    const channel = connect({
      address: '127.0.0.1:1',
      serviceName: 'test',
      defaultTimeoutMs: 5_000,
    });
    closed(channel);
    const seen = await failure(get(channel));
    expect(seen).toMatchObject({ reason: 'DEPENDENCY_UNAVAILABLE', retryAfterMs: 1000 });
    expect(seen.message).not.toContain('127.0.0.1');
  });
});

test('a channel that was closed is never ready, and says so at once', async () => {
  const channel = connect({
    address: '127.0.0.1:1',
    serviceName: 'test',
    defaultTimeoutMs: 5_000,
  });
  await channel[Symbol.asyncDispose]();
  await expect(channel.ready(new AbortController().signal)).rejects.toThrow('closed');
});

describe('a deadline', () => {
  test('travels with the call, ends the handler by its signal and the call by DEADLINE_EXCEEDED', async () => {
    const aborted = Promise.withResolvers<void>();
    const { channel } = await query(async (_, call) => {
      expect(call.remainingMs()).toBeLessThanOrEqual(200);
      call.signal.addEventListener('abort', () => aborted.resolve());
      return new Promise(() => {});
    });
    expect((await failure(get(channel, { timeoutMs: 200 }))).reason).toBe('DEADLINE_EXCEEDED');
    await aborted.promise;
  });

  test('is the server’s own when the caller names none', async () => {
    const { server } = await query(() => new Promise(() => {}), 100);
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const error = await rawCall(client, Buffer.from([10, 36, ...Buffer.from(id)]));
    expect(error.code).toBe(4);
    client.close();
  });

  test('with less than 10 ms left is refused before the handler runs', async () => {
    const handle = vi.fn(async () => ({ order: { orderId: id } }));
    const { channel } = await query(handle);
    // Answered by the server, too late for a client of ours: only whether the handler ran tells.
    for (let i = 0; i < 20; i++)
      expect((await failure(get(channel, { timeoutMs: 9 }))).reason).toBe('DEADLINE_EXCEEDED');
    await get(channel);
    expect(handle).toHaveBeenCalledTimes(1);
  });

  test('that the caller does not wait for reaches the handler as a cancelled signal', async () => {
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const { channel } = await query((_, call) => {
      call.signal.addEventListener('abort', () => aborted.resolve());
      started.resolve();
      return new Promise(() => {});
    });
    const controller = new AbortController();
    const failed = failure(get(channel, { signal: controller.signal }));
    await started.promise;
    controller.abort();
    expect((await failed).reason).toBe('CANCELLED');
    await aborted.promise;
  });
});

describe('a request', () => {
  test('that breaks its proto rules is refused by field before the handler runs', async () => {
    const { channel } = await query(() => Promise.reject(new Error('must not run')));
    const seen = await failure(get(channel, {}, 'not-a-uuid'));
    expect(seen).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'order_id', reason: 'string.uuid' }],
    });
  });

  test('arrives with its UUIDs in lower case', async () => {
    const { channel } = await query(async (request) => ({ order: { orderId: request.orderId } }));
    const { message } = await get(channel, {}, id.toUpperCase());
    expect(message.order?.orderId).toBe(id);
  });

  test('with U+0000 in a nested string is refused with its path', async () => {
    const refuse = () => Promise.reject(new Error('must not run'));
    const handlers = {
      createOrder: refuse,
      confirmOrder: refuse,
      payOrder: refuse,
      shipOrder: refuse,
      deliverOrder: refuse,
      cancelOrder: refuse,
      addItem: refuse,
      removeItem: refuse,
      changeShippingAddress: refuse,
    };
    const server = await serveRpc({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'QUERY_PORT',
      services: [implement(OrderCommandService, handlers)],
      requestTimeoutMs: 5_000,
      reflection: false,
    });
    const channel = connect({
      address: `127.0.0.1:${server.port}`,
      serviceName: 'test',
      defaultTimeoutMs: 5_000,
    });
    closed(server, channel);
    const unitPrice = { currencyCode: 'USD', minorUnits: 1n };
    const request = create(CreateOrderRequestSchema, {
      customerId: id,
      items: [{ productId: id, productName: 'a\0b', quantity: 1, unitPrice }],
      shippingAddress: { recipient: 'a', line1: 'b', city: 'c', countryCode: 'DE' },
    });
    const seen = await failure(callUnary(channel, OrderCommandService.method.createOrder, request));
    expect(seen.fields).toEqual([
      {
        field: 'items[0].product_name',
        reason: 'string.no_nul',
        detail: 'must not contain U+0000',
      },
    ]);
  });

  test('of garbage bytes is MALFORMED_BODY, not grpc-js’s INTERNAL', async () => {
    const { server } = await query(() => Promise.reject(new Error('must not run')));
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const error = await rawCall(client, Buffer.from([255, 255, 255]));
    const status = fromBinary(
      StatusSchema,
      error.metadata.get('grpc-status-details-bin')[0] as Buffer,
    );
    const info = status.details.map((detail) => anyUnpack(detail, ErrorInfoSchema));
    expect(info[0]).toMatchObject({ reason: 'MALFORMED_BODY', domain: 'ordermesh' });
    expect(error.code).toBe(3);
    client.close();
  });

  test('over the size limit is refused, and the client says that it was too large', async () => {
    const { server, channel } = await query(async () => ({}));
    const seen = await failure(get(channel, {}, 'x'.repeat(600 * 1024)));
    expect(seen.reason).toBe('BODY_TOO_LARGE');
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    expect((await rawCall(client, Buffer.alloc(600 * 1024))).code).toBe(8);
    client.close();
  });
});

describe('a server', () => {
  const health = (server: RpcServer, service: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
      const request = Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)]);
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        (error, bytes) => {
          client.close();
          if (error) reject(error);
          else resolve(bytes?.[1]);
        },
      );
    });

  test('says by health whether it serves, per service and as a whole', async () => {
    const { server } = await query(async () => ({}));
    const names = ['', 'readiness', 'ordermesh.order.v1.OrderQueryService'];
    for (const name of names) expect(await health(server, name)).toBe(2);
    expect(await health(server, 'liveness')).toBe(1);
    server.setServing(true);
    for (const name of names) expect(await health(server, name)).toBe(1);
  });

  test('lets running calls end when it is disposed', async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const { server, channel } = await query(async () => {
      entered.resolve();
      await release.promise;
      return { order: { orderId: id } };
    });
    const running = get(channel);
    await entered.promise;
    const disposed = server[Symbol.asyncDispose]();
    release.resolve();
    expect((await running).message.order?.orderId).toBe(id);
    await disposed;
  });

  test('names the address when its port is taken', async () => {
    const { server } = await query(async () => ({}));
    const again = serveRpc({
      host: '127.0.0.1',
      port: server.port,
      portVariable: 'QUERY_PORT',
      services: [],
      requestTimeoutMs: 1,
      reflection: false,
    });
    await expect(again).rejects.toThrow(`QUERY_PORT: 127.0.0.1:${server.port} is already in use`);
  });

  test('reflects its services with all files they import', async () => {
    const { server } = await query(async () => ({}));
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const symbol = 'ordermesh.order.v1.OrderQueryService';
    const request = Buffer.concat([Buffer.from([34, symbol.length]), Buffer.from(symbol)]);
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const stream = client.makeBidiStreamRequest(
        '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
      );
      stream.on('data', (bytes: Buffer) => {
        resolve(bytes);
        stream.end();
      });
      stream.on('error', reject);
      stream.write(request);
    });
    client.close();
    expect(answer.includes('ordermesh/order/v1/query_service.proto')).toBe(true);
    expect(answer.includes('buf/validate/validate.proto')).toBe(true);
    expect(FileDescriptorProtoSchema.typeName).toBe('google.protobuf.FileDescriptorProto');
  });

  test('refuses to start when a method has no handler', async () => {
    const broken = { service: CustomerService, handlers: {} };
    const started = serveRpc({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'QUERY_PORT',
      services: [broken],
      requestTimeoutMs: 1,
      reflection: false,
    });
    await expect(started).rejects.toThrow('has no handler');
  });
});

function rawCall(client: Client, bytes: Buffer): Promise<ServiceError> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/ordermesh.order.v1.OrderQueryService/GetOrder',
      (request: Buffer) => request,
      (response: Buffer) => response,
      bytes,
      new Metadata(),
      (error) => (error ? resolve(error) : reject(new Error('succeeded'))),
    );
  });
}
