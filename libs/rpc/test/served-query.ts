import { create } from '@bufbuild/protobuf';
import { GetOrderRequestSchema, OrderQueryService, ReasonError } from '@ordermesh/contract';
import { afterEach } from 'vitest';
import { callUnary } from '../src/call.ts';
import { connect } from '../src/channel.ts';
import {
  type ConnectOptions,
  type Handlers,
  implement,
  type RpcChannel,
  type ServeOptions,
  serveRpc,
  type Transport,
} from '../src/index.ts';

export const id = '7d9a3a51-7c2b-4d0e-9d3c-2b6a1f1c0a55';
let open: AsyncDisposable[] = [];
/** Closes it after the test. */
export const closed = (...ones: AsyncDisposable[]) => void open.push(...ones);

afterEach(async () => {
  for (const one of open.reverse()) await one[Symbol.asyncDispose]();
  open = [];
});

interface QueryOptions extends Pick<ServeOptions, 'admit' | 'access'> {
  readonly serviceName?: string;
  readonly identify?: ConnectOptions['identify'];
  readonly transport?: Transport;
  readonly drainMs?: number;
  readonly connectionAgeMs?: number;
}

/** A query service on a free port and a channel to it, both closed after the test. */
export async function query(
  getOrder: Handlers<typeof OrderQueryService>['getOrder'],
  requestTimeoutMs = 5_000,
  {
    admit,
    access,
    identify,
    transport,
    serviceName = 'test',
    drainMs = 5_000,
    connectionAgeMs = 120_000,
  }: QueryOptions = {},
) {
  const refuse = () => Promise.reject(new Error('not scripted'));
  const service = implement(OrderQueryService, {
    getOrder,
    listOrders: refuse,
    searchOrders: refuse,
  });
  const server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    portVariable: 'QUERY_PORT',
    services: [service],
    requestTimeoutMs,
    reflection: true,
    access,
    drainMs,
    connectionAgeMs,
    ...(admit ? { admit } : {}),
    ...(transport ? { transport } : {}),
  });
  const channel = connect({
    address: `127.0.0.1:${server.port}`,
    serviceName,
    identify,
    defaultTimeoutMs: 5_000,
  });
  open.push(server, channel);
  return { server, channel };
}

export const get = (channel: RpcChannel, options = {}, orderId = id) =>
  callUnary(
    channel,
    OrderQueryService.method.getOrder,
    create(GetOrderRequestSchema, { orderId }),
    options,
  );

export async function failure(promise: Promise<unknown>): Promise<ReasonError> {
  const error = await promise.then(
    () => new Error('succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReasonError)) throw error;
  return error;
}
