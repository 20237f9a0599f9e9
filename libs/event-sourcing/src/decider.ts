/** What comes of a command: events to append, at least one, or why not. */
export type Decision<Event, Rejection> =
  | { readonly ok: true; readonly events: readonly Event[] }
  | { readonly ok: false; readonly rejection: Rejection };

/**
 * An aggregate as two pure functions. State is undefined while its stream is empty.
 * Technique: Jérémie Chassaing, "Functional Event Sourcing Decider" (2021).
 */
export interface Decider<Command, State, Event, Rejection> {
  /** What the command does to the state. It sees the state that is stored, so a second create is its to refuse. */
  decide(command: Command, state: State | undefined): Decision<Event, Rejection>;
  /** The state after one more event. Throws when the event cannot follow: the stored stream is damaged. */
  evolve(state: State | undefined, event: Event): State;
}
