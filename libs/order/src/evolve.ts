import { CorruptStreamError } from './corrupt-stream-error.ts';
import type { OrderEvent } from './events.ts';
import { linesOf, withLine, withoutProduct } from './order-lines.ts';
import type { OrderState } from './state.ts';
import { TRANSITIONS, type Transition } from './transitions.ts';

/**
 * The order after one more event. Pure. It asks only whether the event may follow, not whether today's policy would still
 * allow it: an old order stays readable when a minimum is raised.
 *
 * @param state the order so far; undefined before its first event
 * @throws {CorruptStreamError} FIRST_EVENT_INVALID or TRANSITION_INVALID
 */
export const evolve = (state: OrderState | undefined, event: OrderEvent): OrderState => {
  if (state === undefined) {
    if (event.type !== 'OrderCreated') {
      throw new CorruptStreamError(
        'FIRST_EVENT_INVALID',
        1,
        `event 1 is ${event.type}, not OrderCreated`,
      );
    }
    const { customerId, items, total, estimatedDeliveryAt } = event;
    return { version: 1, status: 'PENDING', customerId, items, total, estimatedDeliveryAt };
  }

  const version = state.version + 1;
  // Also undefined for a type that this release does not know, whatever the compiler believes about stored data.
  const transition: Transition | undefined =
    event.type === 'OrderCreated' ? undefined : TRANSITIONS[event.type];
  if (!transition?.from.includes(state.status)) {
    throw new CorruptStreamError(
      'TRANSITION_INVALID',
      version,
      `event ${version} is ${event.type} on an order that is ${state.status}`,
    );
  }
  return { ...state, version, status: transition.to, ...contentAfter(state, event) };
};

/** What an edit makes of the items and their total; the events say it themselves. */
const contentAfter = (
  { items, version }: OrderState,
  event: OrderEvent,
): Partial<Pick<OrderState, 'items' | 'total'>> => {
  switch (event.type) {
    case 'OrderItemAdded':
      return { items: withLine(items, event.item), total: event.total };
    case 'OrderItemRemoved':
      if (linesOf(items, event.productId).length === 0) {
        throw new CorruptStreamError(
          'TRANSITION_INVALID',
          version + 1,
          `event ${version + 1} is OrderItemRemoved of a product that the order does not have`,
        );
      }
      return { items: withoutProduct(items, event.productId), total: event.total };
    default:
      return {};
  }
};

/**
 * The order after its whole history, in version order from 1.
 *
 * @throws {CorruptStreamError} EVENT_STREAM_EMPTY, FIRST_EVENT_INVALID or TRANSITION_INVALID
 */
export const fold = (events: Iterable<OrderEvent>): OrderState => {
  let state: OrderState | undefined;
  for (const event of events) state = evolve(state, event);
  if (state === undefined) {
    throw new CorruptStreamError('EVENT_STREAM_EMPTY', 0, 'the stream has no events');
  }
  return state;
};
