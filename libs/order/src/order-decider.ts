import type { OrderCommand } from './commands.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { OrderEvent } from './events.ts';
import { evolve } from './evolve.ts';
import type { OrderPolicy } from './policy.ts';
import type { OrderState } from './state.ts';

/** The order in the shape that event-sourcing runs: what a command does, and what an event changes. */
export interface OrderDecider {
  /** See {@link decide}. */
  decide(command: OrderCommand, state: OrderState | undefined): Decision;
  /** See {@link evolve}. */
  evolve(state: OrderState | undefined, event: OrderEvent): OrderState;
}

/**
 * Binds the order's rules to a policy. The result fits event-sourcing's decider by structure; the domain imports nothing.
 * Technique: Jérémie Chassaing, "Functional Event Sourcing Decider" (2021).
 */
export const orderDecider = (policy: OrderPolicy): OrderDecider => ({
  decide: (command, state) => decide(command, state, policy),
  evolve,
});
