import type { Order } from '@ordermesh/contract';

/** Whose orders a read may show: those of one customer id, or undefined for everybody's. To the rest it is as if they were not there. */
export type Owner = string | undefined;

/** Whether a view may be shown, for what cannot be asked with a filter: a document that is read by its id, an entry of the cache. */
export const isShownTo = (owner: Owner, { customerId }: Pick<Order, 'customerId'>): boolean =>
  owner === undefined || customerId === owner;
