/** A queue of turns: first come, first served, a bounded number at a time. */
export interface Turns {
  /** Asks for one run of `turn`, which must not reject. Asking again before it started changes nothing. */
  request(turn: () => Promise<void>): void;
  /** Takes the request back, if it still waits. */
  cancel(turn: () => Promise<void>): void;
}

/** @param limit how many run at the same time */
export function turns(limit: number): Turns {
  const waiting = new Set<() => Promise<void>>(); // keeps the order of insertion
  let running = 0;
  const startNext = () => {
    for (const turn of waiting) {
      if (running >= limit) return;
      waiting.delete(turn);
      running++;
      void turn().finally(() => {
        running--;
        startNext();
      });
    }
  };
  return {
    request(turn) {
      waiting.add(turn);
      startNext();
    },
    cancel: (turn) => waiting.delete(turn),
  };
}
