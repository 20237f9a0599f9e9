import { ownerOf } from '@ordermesh/auth';
import { type CustomerService, ReasonError } from '@ordermesh/contract';
import type { Handlers } from '@ordermesh/rpc';
import type { CustomerStore, StoredCustomer } from './customer-store.ts';
import { withDatabase } from './database-fault.ts';

/** The handlers of CustomerService. */
export type CustomerHandlers = Handlers<typeof CustomerService>;

/**
 * CustomerService over a store. Requests have to be valid and their UUIDs in lower case. Customers register and
 * see themselves only; anybody else is as good as absent to them.
 * @param newId a fresh UUID, for those who register without one
 */
export function customerHandlers(store: CustomerStore, newId: () => string): CustomerHandlers {
  return {
    async registerCustomer({ customerId: givenId, name, email }, call) {
      const owner = ownerOf(call.principal);
      if (owner !== undefined && givenId !== '' && givenId !== owner) throw notYou();
      const customer = { customerId: givenId || (owner ?? newId()), name, email };
      const added = await withDatabase('write', call, (signal) => store.add(customer, signal));
      if (!added) throw taken(customer.customerId);
      return { customer };
    },
    async getCustomer({ customerId }, call) {
      if ((ownerOf(call.principal) ?? customerId) !== customerId) throw absent(customerId);
      const [found] = await withDatabase('read', call, (signal) =>
        store.find([customerId], signal),
      );
      if (found === undefined) throw absent(customerId);
      return { customer: shown(found) };
    },
    async batchGetCustomers({ customerIds }, call) {
      const found = await withDatabase('read', call, (signal) => store.find(customerIds, signal));
      return {
        records: found.map((one) => ({ customer: shown(one), revision: one.revision })),
      };
    },
  };
}

const shown = ({ customerId, name, email }: StoredCustomer) => ({ customerId, name, email });

const taken = (customerId: string) =>
  new ReasonError('CUSTOMER_ALREADY_EXISTS', `Customer ${customerId} is registered already.`, {
    resource: { type: 'customer', name: customerId },
  });

const notYou = () =>
  new ReasonError(
    'FORBIDDEN',
    'A customer can only register itself: leave customerId out, or send the subject of the token.',
  );

const absent = (customerId: string) =>
  new ReasonError('CUSTOMER_NOT_FOUND', `There is no customer ${customerId}.`, {
    resource: { type: 'customer', name: customerId },
  });
