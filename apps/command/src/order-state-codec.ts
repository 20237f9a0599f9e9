import { type StateCodec, stateCodec } from '@ordermesh/event-sourcing';
import type { OrderState } from '@ordermesh/order';

const text = { kind: 'text' } as const;
const integer = { kind: 'integer' } as const;
const money = {
  kind: 'record',
  fields: { currencyCode: text, minorUnits: { kind: 'bigint' } },
} as const;

/**
 * The order's state as snapshots keep it. The compiler holds the shape and {@link OrderState} together; `golden-state.json` and its test tell when the same events fold to
 * another state of the same shape, and then the revision must be raised. Either way snapshots of before are passed over, and their orders replayed once.
 */
export const orderStateCodec: StateCodec<OrderState> = stateCodec({
  revision: 1,
  shape: {
    kind: 'record',
    fields: {
      version: integer,
      status: {
        kind: 'one_of',
        values: ['PENDING', 'CONFIRMED', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED'],
      },
      customerId: text,
      items: {
        kind: 'list',
        of: {
          kind: 'record',
          fields: { productId: text, productName: text, quantity: integer, unitPrice: money },
        },
      },
      total: money,
      estimatedDeliveryAt: integer,
    },
  },
});
