import { createPool, prepareDatabase, query, read } from '@ordermesh/postgres';
import type { Pool } from 'pg';

/** A customer as stored. */
export interface StoredCustomer {
  /** UUID, lower case. */
  readonly customerId: string;
  readonly name: string;
  readonly email: string;
  /** Grows with every change, from 2. */
  readonly revision: number;
}

/** The customer directory. Every method rejects with the signal's reason when it fires, else with the driver's error. Disposal closes it. */
export interface CustomerStore extends AsyncDisposable {
  /** Adds a customer unless the id is taken; of any number of simultaneous calls with one id exactly one gets true. */
  add(customer: Omit<StoredCustomer, 'revision'>, signal: AbortSignal): Promise<boolean>;
  /** Those of the ids that exist, each once, in no particular order. */
  find(customerIds: readonly string[], signal: AbortSignal): Promise<readonly StoredCustomer[]>;
  /** Resolves if the database answers. */
  ping(signal: AbortSignal): Promise<void>;
}

/** Options of {@link openCustomerStore}. */
export interface CustomerStoreOptions {
  readonly url: string;
  /** A role that may create the database and its table; undefined to wait for both. */
  readonly migrationUrl: string | undefined;
  /** Told of connections that broke while idle. */
  readonly onError: (error: Error) => void;
}

/** Folder of the schema's SQL files. */
export const customerMigrations = `${import.meta.dirname}/migrations`;

/**
 * Opens the directory when its schema is there.
 * @param signal ends the wait for it
 * @throws SchemaError when it does not come, or is another
 */
export async function openCustomerStore(
  { url, migrationUrl, onError }: CustomerStoreOptions,
  signal: AbortSignal,
): Promise<CustomerStore> {
  await prepareDatabase({ url, migrationUrl, directory: customerMigrations }, signal);
  return customerStore(createPool({ url, max: 10, name: 'ordermesh-customer', onError }));
}

function customerStore(pool: Pool): CustomerStore {
  return {
    async add({ customerId, name, email }, signal) {
      const { rowCount } = await query(
        pool,
        {
          name: 'add',
          text: 'INSERT INTO customer (customer_id, name, email) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
          values: [customerId, name, email],
        },
        signal,
      );
      return rowCount === 1;
    },
    async find(customerIds, signal) {
      const { rows } = await read<StoredCustomer>(
        pool,
        {
          name: 'find',
          text: `SELECT customer_id AS "customerId", name, email, revision FROM customer WHERE customer_id = ANY ($1::uuid[])`,
          values: [customerIds],
        },
        signal,
      );
      return rows;
    },
    async ping(signal) {
      await query(pool, { text: 'SELECT 1' }, signal);
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
