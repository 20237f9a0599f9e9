import {
  create,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  encodeConsistencyToken,
  OrderQueryService,
  type PageTokens,
  pageTokens,
  ReasonError,
} from '@ordermesh/contract';
import { migrate } from '@ordermesh/postgres';
import {
  type OrderViewWriter,
  postgresViewMigrations,
  postgresViewNotifier,
  postgresViewReader,
  postgresViewWriter,
  type StoredOrder,
  type ViewBatch,
  type ViewNotifier,
} from '@ordermesh/read-model';
import { type CallOptions, callUnary, connect, serveRpc } from '@ordermesh/rpc';
import { type TestDatabase, testDatabase, withPrincipals } from '@ordermesh/testing';
import { queryService } from '../src/query-service.ts';
import type { ReadCache } from '../src/read-cache.ts';
import type { ViewStore } from '../src/views.ts';

/** Partitions of the bus under test, as in the fixtures of @ordermesh/read-model/testing. */
export const partitions = 12;

/** The methods, by their short names. */
export const rpc = OrderQueryService.method;

/** A fresh database with the schema of the views. */
export const viewDatabase = (): Promise<TestDatabase> =>
  testDatabase({
    name: 'query_view',
    async prepare(url) {
      const database = new URL(url).pathname.slice(1);
      const options = { url, database, ...postgresViewMigrations };
      await migrate(options, AbortSignal.timeout(30_000));
    },
  });

/** The query service on views of its own, called over real gRPC. */
export interface ServedQuery extends AsyncDisposable {
  readonly views: OrderViewWriter;
  readonly notifier: ViewNotifier;
  readonly tokens: PageTokens;
  /** Calls a method. @throws ReasonError */
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
    options?: CallOptions,
  ): Promise<{
    message: MessageShape<M['output']>;
    headers: ReadonlyMap<string, string>;
  }>;
}

/**
 * @param minVersionWaitMs long where a test waits for an answer, short where it waits for the refusal
 * @param elasticsearch the second store, which stays the test's
 * @param cache in front of the lookups, which stays the test's
 */
export async function serveQuery(
  url: string,
  minVersionWaitMs: number,
  elasticsearch?: ViewStore,
  cache?: ReadCache,
): Promise<ServedQuery> {
  await using opened = new AsyncDisposableStack();
  const onError = () => undefined; // tests cut connections
  const reader = opened.use(postgresViewReader({ url, max: 8, name: 'test-query', onError }));
  const views = opened.use(postgresViewWriter({ url, max: 4, name: 'test-projector', onError }));
  const notifier = opened.use(postgresViewNotifier({ url, reader, onError }));
  const postgresql = { name: 'postgresql', reader, notifier } as const;
  const tokens = pageTokens(Buffer.from('0123456789abcdef'));
  const server = opened.use(
    await serveRpc({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'QUERY_PORT',
      services: [
        withPrincipals(
          queryService({
            postgresql,
            elasticsearch,
            cache,
            tokens,
            partitions,
            minVersionWaitMs,
          }),
        ),
      ],
      requestTimeoutMs: 30_000,
      reflection: false,
    }),
  );
  const address = `127.0.0.1:${server.port}`;
  const channel = opened.use(
    connect({ address, serviceName: 'ordermesh-test', defaultTimeoutMs: 30_000 }),
  );
  const closing = opened.move();
  return {
    views,
    notifier,
    tokens,
    call: (method, request, options) =>
      callUnary(channel, method, create(method.input, request as never) as never, options),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** What a batch that ends with this view writes. */
export const batchOf = (stored: StoredOrder, dead: ViewBatch['dead'] = []): ViewBatch => ({
  partition: stored.partition,
  position: stored.order.position,
  orders: [stored],
  dead,
});

/** Call options with the tokens of some writes. */
export const afterWrites = (...writes: readonly [partition: number, position: bigint][]) => ({
  metadata: {
    'consistency-token': writes.map(([partition, position]) =>
      encodeConsistencyToken({ partition, position }),
    ),
  },
});

/** The error of a call that has to fail. */
export async function refusal(call: Promise<unknown>): Promise<ReasonError> {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReasonError)) throw error;
  return error;
}
