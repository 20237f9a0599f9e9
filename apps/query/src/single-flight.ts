import type { Owner } from '@ordermesh/read-model';
import { untilAborted } from '@ordermesh/service';

/** Lets those who ask for the same thing at the same time share one piece of work. */
export interface SingleFlight<T> {
  /**
   * The outcome of the work under way for `key`, which the first caller starts. Each caller waits by its own signal and leaves with its reason as soon as it
   * fires; the others go on, and when the last one has left the work is told to end.
   * @param work has to pass its signal on
   */
  join(key: string, caller: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** Key of a read: whoever may see other orders has a flight of their own, so that no answer is shared with somebody who may not have it. */
export const flightKey = (what: readonly unknown[], owner: Owner): string =>
  JSON.stringify([...what.map(String), owner ?? null]);

interface Flight<T> {
  readonly outcome: Promise<T>;
  readonly abandoned: AbortController;
  callers: number;
}

/** No work under way. Nothing of a key is left once its work has ended or its last caller has left. */
export function singleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  function started(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abandoned = new AbortController();
    const flight = { outcome: work(abandoned.signal), abandoned, callers: 0 };
    flights.set(key, flight);
    const landed = () => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    flight.outcome.then(landed, landed);
    return flight;
  }

  return {
    async join(key, caller, work) {
      caller.throwIfAborted();
      const flight = flights.get(key) ?? started(key, work);
      flight.callers++;
      try {
        return await untilAborted(flight.outcome, caller);
      } finally {
        flight.callers--;
        if (flight.callers === 0 && flights.get(key) === flight) {
          flights.delete(key); // whoever comes now must not join what is being given up
          flight.abandoned.abort(new Error('all callers have left'));
        }
      }
    },
  };
}
