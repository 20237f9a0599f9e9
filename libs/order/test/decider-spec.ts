import assert from 'node:assert/strict';

/** The part of a decider that a specification needs. */
export interface SpecifiedDecider<Command, State, Event, Rejection> {
  decide(
    command: Command,
    state: State | undefined,
  ):
    | { readonly ok: true; readonly events: readonly Event[] }
    | { readonly ok: false; readonly rejection: Rejection };
  evolve(state: State | undefined, event: Event): State;
}

/** What is claimed about a decision; each throws an AssertionError if it is not so. */
export interface Claims<Event, Rejection> {
  /** Exactly these events, in this order. */
  then(...expected: readonly Event[]): void;
  /** Refused, with at least these fields. */
  thenRejected(expected: Partial<Rejection>): void;
}

/** Tells a decider's behaviour as given (history), when (command), then (events or rejection). Needs no test runner. */
export const specify = <Command, State, Event, Rejection>(
  decider: SpecifiedDecider<Command, State, Event, Rejection>,
) => ({
  /** What happened before; nothing for a stream that does not exist. */
  given: (...history: readonly Event[]) => ({
    /** What is asked now. */
    when: (command: Command): Claims<Event, Rejection> => {
      let state: State | undefined;
      for (const event of history) state = decider.evolve(state, event);
      const decision = decider.decide(command, state);
      return {
        // biome-ignore lint/suspicious/noThenProperty: given, when, then; nobody awaits it
        then: (...expected) => assert.deepStrictEqual(decision, { ok: true, events: expected }),
        thenRejected: (expected) =>
          assert.partialDeepStrictEqual(decision, { ok: false, rejection: expected }),
      };
    },
  }),
});
