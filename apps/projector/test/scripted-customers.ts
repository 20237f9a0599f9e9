import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type BatchGetCustomersResponseSchema,
  type CustomerRecordSchema,
  CustomerService,
} from '@ordermesh/contract';
import { policy } from '@ordermesh/resilience';
import { connect, implement, serveRpc } from '@ordermesh/rpc';
import { type Customers, customers } from '../src/customers.ts';

/** A customer service over real gRPC that does what a test says. */
export interface ScriptedCustomers extends AsyncDisposable {
  readonly customers: Customers;
  /** The ids of each call that arrived. */
  readonly calls: readonly (readonly string[])[];
  /** Customers that it knows. */
  readonly known: Map<string, MessageInitShape<typeof CustomerRecordSchema>>;
  register(customerId: string): void;
  /** What happens instead of an answer, until it is undefined again. */
  instead: ((signal: AbortSignal) => Promise<never>) | undefined;
}

/**
 * @param timeoutMs how long a lookup waits; by default so long that a slow machine never comes to it
 * @param openMs how long its circuit stays open
 */
export async function scriptedCustomers({
  timeoutMs = 10_000,
  openMs = 60_000,
} = {}): Promise<ScriptedCustomers> {
  await using opened = new AsyncDisposableStack();
  const calls: string[][] = [];
  const known: ScriptedCustomers['known'] = new Map();
  const refuse = () => Promise.reject(new Error('not scripted'));
  const service = implement(CustomerService, {
    registerCustomer: refuse,
    getCustomer: refuse,
    async batchGetCustomers({ customerIds }, { signal }) {
      calls.push(customerIds);
      await scripted.instead?.(signal);
      const records = customerIds.flatMap((id) => known.get(id) ?? []);
      return { records } satisfies MessageInitShape<typeof BatchGetCustomersResponseSchema>;
    },
  });
  const server = opened.use(
    await serveRpc({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'CUSTOMER_PORT',
      services: [service],
      requestTimeoutMs: 20_000,
      reflection: false,
      drainMs: 100,
    }),
  );
  const channel = opened.use(
    connect({
      address: `127.0.0.1:${server.port}`,
      serviceName: 'ordermesh-projector',
      defaultTimeoutMs: 20_000,
    }),
  );
  const guarded = policy({
    name: 'customer',
    timeoutMs,
    failureThreshold: 3,
    openMs,
    maxConcurrent: 16,
  });
  const closing = opened.move();
  const scripted: ScriptedCustomers = {
    customers: customers(channel, guarded),
    calls,
    known,
    register(customerId) {
      const customer = { customerId, name: 'Ada Lovelace', email: 'ada@example.com' };
      known.set(customerId, { customer, revision: 2 });
    },
    instead: undefined,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
  return scripted;
}
