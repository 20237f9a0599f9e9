import { randomUUID } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { CustomerService, type ReasonError } from '@ordermesh/contract';
import { callUnary, connect, implement, serveRpc } from '@ordermesh/rpc';
import { expect } from 'vitest';
import { type CustomerHandlers, customerHandlers } from '../src/customer-service.ts';
import { openCustomerStore } from '../src/customer-store.ts';

const methods = CustomerService.method;
type Method = keyof typeof methods;
type Request<M extends Method> = MessageInitShape<(typeof methods)[M]['input']>;

/** CustomerService in this process, called over real gRPC. */
export async function serveCustomers(
  url: string,
  wrap: (handlers: CustomerHandlers) => CustomerHandlers = (handlers) => handlers,
) {
  await using opened = new AsyncDisposableStack();
  const store = opened.use(
    await openCustomerStore(
      { url, migrationUrl: undefined, onError: () => undefined },
      new AbortController().signal,
    ),
  );
  const services = [implement(CustomerService, wrap(customerHandlers(store, randomUUID)))];
  const server = opened.use(
    await serveRpc({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'CUSTOMER_PORT',
      services,
      requestTimeoutMs: 5_000,
      reflection: false,
    }),
  );
  const address = `127.0.0.1:${server.port}`;
  const channel = opened.use(
    connect({ address, serviceName: 'ordermesh-test', defaultTimeoutMs: 20_000 }),
  );
  const closing = opened.move();

  async function call<M extends Method>(method: M, request: Request<M>, timeoutMs?: number) {
    const description = methods[method];
    const message = create(description.input, request as never);
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    return (await callUnary(channel, description, message as never, options)).message;
  }
  const ended = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail('the call succeeded'),
      (error: ReasonError) => error,
    );
  return {
    store,
    register: (request: Request<'registerCustomer'>, timeoutMs?: number) =>
      call('registerCustomer', request, timeoutMs) as Promise<{ customer?: Shown }>,
    get: (customerId: string, timeoutMs?: number) =>
      call('getCustomer', { customerId }, timeoutMs) as Promise<{ customer?: Shown }>,
    batch: (customerIds: string[]) =>
      call('batchGetCustomers', { customerIds }) as Promise<{
        records: { customer?: Shown; revision: number }[];
      }>,
    /** The error of a call that has to fail. */
    ended,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

interface Shown {
  readonly customerId: string;
  readonly name: string;
  readonly email: string;
}

/** What {@link serveCustomers} answers. */
export type ServedCustomers = Awaited<ReturnType<typeof serveCustomers>>;
