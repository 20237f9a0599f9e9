import { randomUUID } from 'node:crypto';
import {
  create,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  type CreateOrderRequestSchema,
  OrderCommandService,
  OrderHistoryService,
  OrderLogService,
  pageTokens,
  ReasonError,
} from '@ordermesh/contract';
import {
  createEventStore,
  createWriter,
  logMigrations,
  openLog,
  type PostgresEventStore,
} from '@ordermesh/event-store-postgres';
import { createPool, migrate } from '@ordermesh/postgres';
import { type CallOptions, callUnary, connect, serveRpc } from '@ordermesh/rpc';
import { type TestDatabase, testDatabase, withPrincipals } from '@ordermesh/testing';
import { commandService } from '../src/command-service.ts';
import { historyService } from '../src/history-service.ts';
import { logService } from '../src/log-service.ts';
import { orderAggregate } from '../src/order-aggregate.ts';

/** Partitions of the log under test. */
export const partitions = 12;

/** A fresh database with the log's schema. */
export const logDatabase = (): Promise<TestDatabase> =>
  testDatabase({
    name: 'command_log',
    async prepare(url) {
      const database = new URL(url).pathname.slice(1);
      await migrate({ url, directory: logMigrations, database }, AbortSignal.timeout(30_000));
    },
  });

/** The services of the command process on a log of their own, called over real gRPC. */
export interface ServedCommand extends AsyncDisposable {
  readonly store: PostgresEventStore;
  readonly pool: ReturnType<typeof createPool>;
  readonly aggregate: ReturnType<typeof orderAggregate>;
  /** Calls any method of the three services. @throws ReasonError */
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
    options?: CallOptions,
  ): Promise<{
    message: MessageShape<M['output']>;
    headers: ReadonlyMap<string, string>;
  }>;
}

/** Serves a log that is there already, so that several servers can share one; each has a cache of its own, and takes snapshots every 3 events. */
export async function serveCommand(url: string): Promise<ServedCommand> {
  await using opened = new AsyncDisposableStack();
  const pool = createPool({ url, max: 10, name: 'test-command', onError: () => undefined });
  opened.defer(() => pool.end());
  const writer = createWriter({ url, name: 'test-command-writer', onError: () => undefined });
  opened.defer(() => writer.end());
  await openLog(pool, partitions);
  const store = createEventStore({ pool, writer, partitions });
  const aggregate = opened.use(
    orderAggregate({
      store,
      minimums: new Map(),
      estimatedDeliveryDays: 5,
      snapshotEvery: 3,
      stateCacheBytes: 1_000_000,
    }),
  );
  const server = opened.use(
    await serveRpc({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'COMMAND_PORT',
      services: [
        withPrincipals(commandService(aggregate)),
        withPrincipals(historyService(store, pageTokens(Buffer.from('0123456789abcdef')))),
        logService(store, partitions),
      ],
      requestTimeoutMs: 20_000,
      reflection: false,
    }),
  );
  const address = `127.0.0.1:${server.port}`;
  const channel = opened.use(
    connect({ address, serviceName: 'ordermesh-test', defaultTimeoutMs: 20_000 }),
  );
  const closing = opened.move();
  return {
    store,
    pool,
    aggregate,
    call: (method, request, options) =>
      callUnary(channel, method, create(method.input, request as never) as never, options),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** The methods, by their short names. */
export const rpc = {
  ...OrderCommandService.method,
  ...OrderHistoryService.method,
  ...OrderLogService.method,
};

const customerId = randomUUID();

/** A valid CreateOrder of 25.00 USD. */
export function orderRequest(
  changes: MessageInitShape<typeof CreateOrderRequestSchema> = {},
): MessageInitShape<typeof CreateOrderRequestSchema> & { orderId: string } {
  return {
    orderId: randomUUID(),
    customerId,
    items: [item(1250n, 2)],
    shippingAddress: {
      recipient: 'Ada Lovelace',
      line1: '12 St James Square',
      city: 'London',
      postalCode: 'SW1Y 4JH',
      countryCode: 'GB',
    },
    ...changes,
  } as never;
}

/** One line of an order. */
export const item = (minorUnits: bigint, quantity = 1, currencyCode = 'USD') => ({
  productId: randomUUID(),
  productName: 'Teapot',
  quantity,
  unitPrice: { currencyCode, minorUnits },
});

/** Creates an order and returns its id. */
export async function placed(command: ServedCommand): Promise<string> {
  const request = orderRequest();
  await command.call(rpc.createOrder, request);
  return request.orderId;
}

/** The error of a call that has to fail. */
export async function refusal(call: Promise<unknown>): Promise<ReasonError> {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReasonError)) throw error;
  return error;
}
