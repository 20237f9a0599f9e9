import { create } from '@bufbuild/protobuf';
import { type CustomerRecord, CustomerRecordSchema } from '@ordermesh/contract';
import { decodeEvent } from '../decode-event.ts';
import { applyEvent } from '../evolve-view.ts';
import type { StoredOrder } from '../stored-order.ts';
import { withCustomer } from '../with-customer.ts';
import { type OrderSpec, orderMessages } from './order-messages.ts';

/** All states of one order's view, from version 1. */
export function storedStates(spec: OrderSpec = {}): StoredOrder[] {
  const states: StoredOrder[] = [];
  for (const message of orderMessages(spec))
    states.push(applyEvent(states.at(-1), decodeEvent(message)));
  return states;
}

/** The last state of one order's view, with its customer if one is given. */
export function storedOrder(spec: OrderSpec = {}, customer?: [name: string, email: string]) {
  const last = storedStates(spec).at(-1) as StoredOrder;
  return customer ? withCustomer(last, record(last, 2, ...customer)) : last;
}

/** What the customer service would answer for an order. */
export function record(
  { order }: StoredOrder,
  revision: number,
  name = 'Ada Lovelace',
  email = 'ada@example.com',
): CustomerRecord {
  return create(CustomerRecordSchema, {
    customer: { customerId: order.customerId, name, email },
    revision,
  });
}
