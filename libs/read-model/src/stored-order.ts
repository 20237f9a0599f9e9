import type { Order } from '@ordermesh/contract';

/** One view with what a store keeps beside it. Plain data that nobody changes in place. */
export interface StoredOrder {
  /** What queries answer. */
  readonly order: Order;
  /** The order's partition on the bus. */
  readonly partition: number;
  /** Which state of the customer the view shows: 0 none yet, 1 unknown to the customer service, from 2 that service's own number. */
  readonly customerRevision: number;
  /** W3C trace context under which the last event was made, for the link from a query to the command; undefined if there was none. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}
