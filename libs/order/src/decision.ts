import type { OrderEvent } from './events.ts';
import type { Refused } from './rejection.ts';

/** What comes of a command: the events to append, at least one, or why not. */
export type Decision = { readonly ok: true; readonly events: readonly OrderEvent[] } | Refused;

/** Lets a command make one event. */
export const accept = (event: OrderEvent): Decision => ({ ok: true, events: [event] });
