import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import {
  create,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { OrderCommandService } from '@ordermesh/contract';
import { callUnary, connect } from '@ordermesh/rpc';
import { startApp } from '@ordermesh/testing';
import { shippingAddress } from '../orders/fill-orders.ts';

/** The two commands that are measured; each call has an idempotency key of its own. */
export interface Orders extends AsyncDisposable {
  /** Places an order. @returns its id */
  create(): Promise<string>;
  /** Pays one that was placed. */
  pay(orderId: string): Promise<unknown>;
}

const customerId = randomUUID();
const { createOrder, payOrder } = OrderCommandService.method;

/** Starts the command process on a database and calls it over gRPC. */
export async function commandProcess(
  url: string,
  telemetry: Readonly<Record<string, string>>,
): Promise<Orders> {
  await using opened = new AsyncDisposableStack();
  const folder = fileURLToPath(new URL('../../../apps/command', import.meta.url));
  const command = opened.use(
    startApp(folder, {
      COMMAND_PORT: '0',
      COMMAND_ADMIN_PORT: '0',
      LOG_DATABASE_URL: url,
      MIGRATION_DATABASE_URL: url,
      RATE_LIMIT: 'off', // all load comes from one address
      REQUEST_TIMEOUT_MS: '20000', // the slowest call is a figure too
      TOKEN_KEY: '0123456789abcdef',
      ...telemetry,
    }),
  );
  const { port } = await command.logged('ready');
  const channel = opened.use(
    connect({
      address: `127.0.0.1:${port}`,
      serviceName: 'ordermesh-bench',
      defaultTimeoutMs: 20_000,
    }),
  );
  const call = <M extends DescMethodUnary>(method: M, request: MessageInitShape<M['input']>) =>
    callUnary(channel, method, create(method.input, request) as MessageShape<M['input']>, {
      metadata: { 'idempotency-key': randomUUID() },
    });
  const closing = opened.move();
  return {
    async create() {
      const orderId = randomUUID();
      await call(createOrder, {
        orderId,
        customerId,
        items: [
          {
            productId: customerId,
            productName: 'Green tea',
            quantity: 2,
            unitPrice: { currencyCode: 'USD', minorUnits: 1250n },
          },
        ],
        shippingAddress,
      });
      return orderId;
    },
    pay: (orderId) =>
      call(payOrder, {
        orderId,
        paymentId: 'pay_3NfJ8s2eZvKYlo2C',
        amount: { currencyCode: 'USD', minorUnits: 2500n },
      }),
    async [Symbol.asyncDispose]() {
      command.signal('SIGTERM');
      await closing.disposeAsync();
    },
  };
}
