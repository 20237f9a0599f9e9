import assert from 'node:assert/strict';
import type { Decider } from '../decider.ts';

/** What is claimed about a decision; each throws an AssertionError if it is not so. */
export interface Claims<Event, Rejection> {
  /** Exactly these events, in this order. */
  then(...expected: readonly Event[]): void;
  /** Refused, with this rejection; of one that is an object, with at least these fields. */
  thenRejected(expected: Rejection extends object ? Partial<Rejection> : Rejection): void;
}

/** A decider's behaviour, told as {@link specify} does. */
export interface Specification<Command, Event, Rejection> {
  /** What happened before; nothing for a stream that does not exist. */
  given(...history: readonly Event[]): {
    /** What is asked now. Decides at once. */
    when(command: Command): Claims<Event, Rejection>;
  };
}

/**
 * Tells any decider's behaviour as given (history), when (command), then (events) or thenRejected:
 *
 * ```ts
 * const account = specify(accountDecider);
 * account.given(opened, added(5)).when(take(7)).thenRejected('SHORT');
 * ```
 *
 * Everything that the decider is given is frozen, deeply and for good, so one that changes its arguments throws a TypeError. Needs no test runner.
 */
export const specify = <Command, State, Event, Rejection>(
  decider: Decider<Command, State, Event, Rejection>,
): Specification<Command, Event, Rejection> => ({
  given: (...history) => ({
    when: (command) => {
      let state: State | undefined;
      for (const event of history) state = deepFreeze(decider.evolve(state, deepFreeze(event)));
      const decision = decider.decide(deepFreeze(command), state);
      return {
        // biome-ignore lint/suspicious/noThenProperty: given, when, then; nobody awaits it
        then: (...expected) => assert.deepStrictEqual(decision, { ok: true, events: expected }),
        thenRejected: (rejection) =>
          assert.partialDeepStrictEqual(decision, { ok: false, rejection }),
      };
    },
  }),
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
