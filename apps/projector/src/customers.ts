import { create } from '@bufbuild/protobuf';
import {
  BatchGetCustomersRequestSchema,
  type CustomerRecord,
  CustomerService,
  ReasonError,
} from '@ordermesh/contract';
import type { CustomerLookup } from '@ordermesh/read-model';
import type { Policy } from '@ordermesh/resilience';
import { callUnary, type RpcChannel } from '@ordermesh/rpc';
import { logger } from '@ordermesh/telemetry';
import { LRUCache } from 'lru-cache';

const log = logger('customers');

/** Looks customers up for the views. */
export interface Customers {
  /**
   * What the customer service says of each id: its record, `unknown`, or `pending` when it did not answer in time. Never rejects for the
   * service's sake, and takes no longer than the policy's timeout; only with the signal's reason.
   */
  lookup(
    customerIds: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, CustomerLookup>>;
}

/** Most ids of one call, by its proto rule. */
const maxIds = 500;

/**
 * Customers over gRPC, one call per batch of orders, behind the policy. Records are remembered for a minute; that a customer is unknown never is,
 * because the next thing to happen is its registration.
 */
export function customers(channel: RpcChannel, policy: Policy): Customers {
  const known = new LRUCache<string, CustomerRecord>({ max: 10_000, ttl: 60_000 });
  // Batches of several partitions run at once and often ask for the same customer.
  const asked = new Map<string, Promise<CustomerLookup>>();

  async function ask(
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, CustomerRecord> | 'pending'> {
    const request = create(BatchGetCustomersRequestSchema, { customerIds: [...ids] });
    try {
      const { message } = await policy.execute(({ signal }) =>
        callUnary(channel, CustomerService.method.batchGetCustomers, request, {
          signal,
          timeoutMs: policy.timeoutMs,
        }),
      );
      const records = new Map(
        message.records.map((record) => [record.customer?.customerId ?? '', record]),
      );
      for (const [id, record] of records) known.set(id, record);
      return records;
    } catch (error) {
      if (!(error instanceof ReasonError)) throw error;
      log.debug({ reason: error.reason, customers: ids.length }, 'customers stay pending');
      return 'pending';
    }
  }

  function askTogether(ids: readonly string[]): void {
    const answer = ask(ids);
    for (const id of ids) {
      const one = answer.then((records) =>
        records === 'pending' ? 'pending' : (records.get(id) ?? 'unknown'),
      );
      asked.set(id, one);
      const forget = () => void asked.delete(id);
      one.then(forget, forget);
    }
  }

  return {
    async lookup(customerIds, signal) {
      signal.throwIfAborted();
      const ids = [...new Set(customerIds)];
      const missing = ids.filter((id) => !known.has(id) && !asked.has(id));
      for (let i = 0; i < missing.length; i += maxIds) askTogether(missing.slice(i, i + maxIds));
      const lookups = ids.map(
        async (id): Promise<[string, CustomerLookup]> => [
          id,
          known.get(id) ?? (await asked.get(id)) ?? 'pending',
        ],
      );
      return new Map(await Promise.all(lookups));
    },
  };
}
